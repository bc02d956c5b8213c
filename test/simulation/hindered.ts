import { UploadRow } from '../../lib/catalog/index.ts';
import { PortError } from '../../lib/shared/errors.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import type { Faults } from './faults.ts';
import type { RefusedReads } from './refusedReads.ts';
import type { Incarnation, Scheduler } from './scheduler.ts';

interface Hindrance {
  readonly deadlyKeys: ReadonlySet<string>;
  readonly lateReads: ReadonlyMap<string, number>;
  readonly refusedReads: RefusedReads;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly incarnation: Incarnation;
}

/** After so much of a call's seven minutes no further part is begun. */
const SLOW_PART_MS = 330_000;

/**
 * What reads an object at one of `deadlyKeys` dies, and `refusedReads` are refused; other reads, and parts that are written, may be slow, or a
 * bit of them is flipped.
 */
export function hindered<Store extends ObjectStore>(
  objects: Store,
  { deadlyKeys, lateReads, refusedReads, scheduler, faults, incarnation }: Hindrance,
): Store {
  return {
    ...objects,
    async readRange(key, ...rest) {
      refusedReads.check(key);
      if (deadlyKeys.has(key)) {
        scheduler.crash(incarnation);
        return new Promise(() => {});
      }
      const waitMs = incarnation.readsAnsweredAt - scheduler.now;
      if (waitMs > 0) await scheduler.sleep(incarnation, waitMs);
      const answer = await objects.readRange(key, ...rest);
      const lateMs = (lateReads.get(key) ?? 0) - scheduler.now;
      if (lateMs > 0) await scheduler.sleep(incarnation, lateMs);
      return answer;
    },
    copy(source, ...rest) {
      refusedReads.check(source.key);
      return objects.copy(source, ...rest);
    },
    async writePart(key, resume, number, bytes) {
      if (faults.happens('slow-copy')) await scheduler.sleep(incarnation, SLOW_PART_MS);
      return objects.writePart(key, resume, number, faults.happens('wrong-part') ? bitFlipped(bytes) : bytes);
    },
  };
}

/**
 * Until the moment of `refusedVerdicts`, scans of each version of an upload may begin, and neither that it was judged good nor that a scan ended
 * can be written. That it is quarantined can be: no good file may be for that, and hostile ones are.
 */
export function refusingVerdicts(
  catalog: CatalogStore,
  {
    refusedVerdicts,
    scheduler,
    faults,
  }: Pick<Hindrance, 'scheduler' | 'faults'> & {
    readonly refusedVerdicts: ReadonlyMap<string, number>;
  },
): CatalogStore {
  const begun = new Map<string, number>();
  return {
    ...catalog,
    transact(changes) {
      for (const change of changes) {
        if (!faults.enabled || change.kind !== 'put' || !change.item.key.sort.startsWith('VERSION#')) continue;
        const until = refusedVerdicts.get(change.item.key.partition.replace('UPLOAD#', '')) ?? 0;
        if (scheduler.now >= until) continue;
        const { key, versionId, state, scans = 0 } = UploadRow.parse({ ...change.item, version: 1 }).value;
        const id = `${key} ${versionId}`;
        const known = begun.get(id) ?? 0;
        begun.set(id, Math.max(known, scans));
        if (state !== 'digesting' && scans >= known) continue;
        throw new PortError({
          code: 'throttled',
          message: `The verdict of ${key}: slow down. Try again.`,
          retryable: true,
        });
      }
      return catalog.transact(changes);
    },
  };
}

/** As the memory of a worker may. */
function bitFlipped(bytes: Uint8Array): Uint8Array {
  const other = Uint8Array.from(bytes);
  const at = Math.floor(other.length / 2);
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
}
