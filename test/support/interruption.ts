import { PortError } from '../../lib/shared/errors.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';

/** What stands between the handlers and their ports: lets a test kill or hold them at any call. */
export interface Between {
  readonly catalog: (store: CatalogStore) => CatalogStore;
  readonly objects: (store: ObjectStore) => ObjectStore;
}

export type Moment = 'before' | 'after';

export interface Interruption extends Between {
  /** Calls of both ports since the last `cutAt`, or since the beginning. */
  calls(): number;
  /** Counts from here, and cuts off the nth call, before its effect or after it; none for 0. */
  cutAt(nth: number, moment?: Moment): void;
}

/** Counts the calls of catalog and bucket, and ends the process at one of them: later calls are those of its next life. */
export function createInterruption(): Interruption {
  let calls = 0;
  let cut: { readonly nth: number; readonly moment: Moment } = { nth: 0, moment: 'before' };

  async function pass<T>(call: () => Promise<T>): Promise<T> {
    calls += 1;
    const { nth, moment } = cut;
    const dies = calls === nth;
    if (dies && moment === 'before') throw gone();
    const answer = await call();
    if (dies) throw gone();
    return answer;
  }

  return {
    calls: () => calls,
    cutAt(nth, moment = 'before') {
      calls = 0;
      cut = { nth, moment };
    },
    catalog: (store) => ({
      get: (key) => pass(() => store.get(key)),
      query: (query) => pass(() => store.query(query)),
      queryIndex: (index, query) => pass(() => store.queryIndex(index, query)),
      transact: (changes) => pass(() => store.transact(changes)),
    }),
    objects: (store) => ({
      classes: store.classes,
      head: (...args) => pass(() => store.head(...args)),
      readRange: (...args) => pass(() => store.readRange(...args)),
      verifiedParts: (...args) => pass(() => store.verifiedParts(...args)),
      write: (...args) => pass(() => store.write(...args)),
      copy: (...args) => pass(() => store.copy(...args)),
      restore: (...args) => pass(() => store.restore(...args)),
      remove: (...args) => pass(() => store.remove(...args)),
      beginParts: (...args) => pass(() => store.beginParts(...args)),
      writtenParts: (...args) => pass(() => store.writtenParts(...args)),
      writePart: (...args) => pass(() => store.writePart(...args)),
      endParts: (...args) => pass(() => store.endParts(...args)),
      listUnfinishedCopies: (...args) => pass(() => store.listUnfinishedCopies(...args)),
      abandonCopy: (...args) => pass(() => store.abandonCopy(...args)),
      listVersions: (...args) => pass(() => store.listVersions(...args)),
    }),
  };
}

const gone = () => new PortError({ code: 'unavailable', message: 'the process is gone', retryable: true });
