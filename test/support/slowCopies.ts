import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { ObjectStore, UnfinishedCopy } from '../../lib/shared/ports/objectStore.ts';

/**
 * A store whose resumable copies take several calls, as copies by many parts do. `callsOf` answers how many a new one takes;
 * 1 is an ordinary copy.
 */
export function slowCopies<Store extends ObjectStore>(store: Store, clock: Clock, callsOf: () => number): Store {
  const underWay = new Map<string, UnfinishedCopy & { left: number }>();
  let count = 0;
  return {
    ...store,
    async copy(source, key, options = {}) {
      const { resumable, ...rest } = options;
      let copy = underWay.get(resumable?.resume ?? '');
      if (resumable !== undefined && copy === undefined) {
        const left = callsOf();
        if (left > 1) {
          count += 1;
          const resume = `copy-${count}`;
          copy = { key, resume, startedAt: clock.now(), left };
          underWay.set(resume, copy);
          await resumable.begun(resume);
        }
      }
      if (copy !== undefined) {
        copy.left -= 1;
        if (copy.left > 0) return { outcome: 'unfinished' };
        underWay.delete(copy.resume);
      }
      return store.copy(source, key, rest);
    },
    async listUnfinishedCopies(query) {
      const { copies } = await store.listUnfinishedCopies(query);
      const own = [...underWay.values()].filter(({ key }) => key.startsWith(query.prefix));
      return { copies: [...copies, ...own.map(({ key, resume, startedAt }) => ({ key, resume, startedAt }))] };
    },
    async abandonCopy(key, resume) {
      if (!underWay.delete(resume)) await store.abandonCopy(key, resume);
    },
  };
}
