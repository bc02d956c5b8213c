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
  /**
   * Calls of both ports since the last `cutAt`, or since the beginning; of those that only look none for `after`: who is cut off
   * there cannot tell it from `before`, nor can anybody else.
   */
  calls(moment: Moment): number;
  /** Counts from here, and cuts off the nth of these calls, before its effect or after it; none for 0. */
  cutAt(nth: number, moment?: Moment): void;
}

/** Counts the calls of catalog and bucket, and ends the process at one of them: later calls are those of its next life. */
export function createInterruption(): Interruption {
  let calls = { before: 0, after: 0 };
  let cut: { readonly nth: number; readonly moment: Moment } = { nth: 0, moment: 'before' };

  async function look<T>(call: () => Promise<T>): Promise<T> {
    calls.before += 1;
    if (cut.moment === 'before' && calls.before === cut.nth) throw gone();
    return call();
  }

  async function pass<T>(call: () => Promise<T>): Promise<T> {
    calls.after += 1;
    const dies = cut.moment === 'after' && calls.after === cut.nth;
    const answer = await look(call);
    if (dies) throw gone();
    return answer;
  }

  return {
    calls: (moment) => calls[moment],
    cutAt(nth, moment = 'before') {
      calls = { before: 0, after: 0 };
      cut = { nth, moment };
    },
    catalog: (store) => ({
      get: (key) => look(() => store.get(key)),
      query: (query) => look(() => store.query(query)),
      queryIndex: (index, query) => look(() => store.queryIndex(index, query)),
      transact: (changes) => pass(() => store.transact(changes)),
    }),
    objects: (store) => ({
      classes: store.classes,
      head: (...args) => look(() => store.head(...args)),
      readRange: (...args) => look(() => store.readRange(...args)),
      verifiedParts: (...args) => look(() => store.verifiedParts(...args)),
      write: (...args) => pass(() => store.write(...args)),
      copy: (...args) => pass(() => store.copy(...args)),
      restore: (...args) => pass(() => store.restore(...args)),
      remove: (...args) => pass(() => store.remove(...args)),
      beginParts: (...args) => pass(() => store.beginParts(...args)),
      writtenParts: (...args) => look(() => store.writtenParts(...args)),
      writePart: (...args) => pass(() => store.writePart(...args)),
      endParts: (...args) => pass(() => store.endParts(...args)),
      listUnfinishedCopies: (...args) => look(() => store.listUnfinishedCopies(...args)),
      abandonCopy: (...args) => pass(() => store.abandonCopy(...args)),
      listVersions: (...args) => look(() => store.listVersions(...args)),
    }),
  };
}

const gone = () => new PortError({ code: 'unavailable', message: 'the process is gone', retryable: true });
