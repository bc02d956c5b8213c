import { unpackWaitMs } from './packing.ts';
import type { ClassRates, Rates } from './rates.ts';
import { chooseRestore } from './restore.ts';
import { storedBytes, type TierFacts } from './tierFacts.ts';

type Promised = Pick<TierFacts, 'restoreToleranceMs'>;

/** What a read of the object waits for besides a restore, in milliseconds. */
export function unpackingMs({ bytes, packing }: Pick<TierFacts, 'bytes' | 'packing'>): number {
  return packing?.packed === true ? unpackWaitMs(bytes, packing.terms) : 0;
}

/** Whether `stored` bytes can be read from a class within the time that was promised. Where nothing was promised, every class will do. */
export function keepsPromise(
  { restoreToleranceMs }: Promised,
  stored: number,
  there: ClassRates,
  unpackMs: number,
): boolean {
  if (restoreToleranceMs === undefined) return true;
  const toleranceMs = restoreToleranceMs - unpackMs;
  if (there.instant) return toleranceMs >= 0;
  return chooseRestore(there, stored, { toleranceMs, usdPerMs: 0 }) !== undefined;
}

/** Whether it lies where it cannot be read within the time that was promised since it came there. */
export function breaksPromise(
  facts: Promised & Pick<TierFacts, 'bytes' | 'packing' | 'storageClass'>,
  rates: Rates,
): boolean {
  return !keepsPromise(facts, storedBytes(facts), rates.of(facts.storageClass), unpackingMs(facts));
}
