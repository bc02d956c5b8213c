import type { StorageClass } from '../shared/ids.ts';
import { Bytes, DAY_MS } from '../shared/units.ts';
import { earlyDeletionUsd, moveUsd, storageUsd } from './bill.ts';
import { classesFor, homeClass } from './classes.ts';
import {
  type ClassOutlook,
  classOutlook,
  type DollarPolicy,
  outlookUsd,
  type Prospect,
  type Standing,
} from './dollarPolicy.ts';
import {
  packedOutlook,
  packMoveUsd,
  type PackCandidate,
  type PackingFacts,
  plainReason,
  unpackMoveUsd,
} from './packing.ts';
import type { ClassRates, Rates } from './rates.ts';
import type { TierFacts } from './tierFacts.ts';
import type { NotPackedReason, TierChoice } from './tierTypes.ts';

/** What the dollars of packing rest on; `at` is where the object lies now, with the bytes that are stored there. */
export interface PackProspect {
  readonly facts: PackCandidate & Pick<TierFacts, 'restoreToleranceMs' | 'storageClass'>;
  readonly packing: PackingFacts;
  readonly at: Standing;
  readonly prospect: Prospect;
  readonly policy: DollarPolicy;
  readonly rates: Rates;
  readonly now: number;
  /** Of the bucket, in the last 30 days; 0 where the next read is announced, as no rate is told then. */
  readonly readsLately: number;
}

/** Where it could lie packed without breaking the promise, with the expected dollars. */
export function packedOutlooks({ facts, packing, at, prospect, rates }: PackProspect): Map<StorageClass, ClassOutlook> {
  const outlooks = new Map<StorageClass, ClassOutlook>();
  for (const storageClass of classesFor(facts.storageClass, rates)) {
    const stays = packing.packed && storageClass === facts.storageClass;
    const { heldMs, idleMs } = stays ? at : { heldMs: 0, idleMs: 0 };
    const outlook = packedOutlook(
      rates.of(storageClass),
      { bytes: facts.bytes, heldMs, idleMs },
      packing,
      prospect,
      rates,
    );
    if (outlook !== undefined) outlooks.set(storageClass, outlook);
  }
  return outlooks;
}

/**
 * Packing in place of the plain choice, which is expected to cost `plainUsd`, or why not. Only of what is known to be hardly read: what learned
 * forecasts may lose is accounted for by class, and packing is in no account.
 */
export function packByDollars(
  one: PackProspect,
  plainUsd: number,
): Extract<TierChoice, { action: 'pack' }> | NotPackedReason {
  const { facts, packing, policy, rates, now } = one;
  const from = rates.of(facts.storageClass);
  const guarded = plainReason(facts, packing, from, facts.restoreToleranceMs ?? 0, now);
  if (guarded !== undefined) return guarded;
  if (facts.knownReadsPerDay === undefined) return 'reads-unknown';
  let best: { readonly to: StorageClass; readonly usd: number } | undefined;
  let unexpected = false;
  for (const to of rates.classes) {
    // What was packed is read back before it counts.
    if (!rates.of(to).instant) continue;
    const usd = packedUsd(one, packing, rates.of(to));
    if (usd >= (best?.usd ?? plainUsd * (1 - policy.margin))) continue;
    if (wouldBeRegretted(one, packing, rates.of(to))) unexpected = true;
    else best = { to, usd };
  }
  if (best === undefined) return unexpected ? 'read-unexpectedly' : 'costs-more';
  return { action: 'pack', to: best.to, reason: 'cheaper-packed', belowRatio: breakEven(one, best, plainUsd) };
}

const WINDOW_MS = 30 * DAY_MS;
/** What a told rate makes less probable speaks against it; about one read in 30 days of what is said to be read once in four years. */
const IMPROBABLE = 0.02;

/**
 * Whether the last 30 days, packed in `to`, would have cost more than at home, by more reads than what is told of them makes probable: each would have been an
 * unpacking there, the way home, and packing again. So whoever is told wrongly packs once in a month at most, twice where a first read
 * is still probable, or where that costs less than it saves (`test/unit/placement/packedRegret.test.ts`). A read that was to be expected changes nothing.
 */
export function wouldBeRegretted(
  {
    facts: { bytes, knownReadsPerDay = 0 },
    readsLately,
    rates,
  }: Pick<PackProspect, 'rates' | 'readsLately'> & {
    readonly facts: Pick<PackCandidate, 'bytes' | 'knownReadsPerDay'>;
  },
  packing: PackingFacts,
  to: ClassRates,
): boolean {
  if (probabilityOfReads(readsLately, knownReadsPerDay * (WINDOW_MS / DAY_MS)) >= IMPROBABLE) return false;
  const home = rates.of(homeClass(rates));
  const onceUsd = unpackMoveUsd(to, home, bytes, packing, rates) + packMoveUsd(home, to, bytes, packing, rates);
  return readsLately * onceUsd > storageUsd(home, bytes, WINDOW_MS) - storageUsd(to, packing.bytes, WINDOW_MS);
}

/** Of `count` reads or more where `expected` come at random (Poisson). */
function probabilityOfReads(count: number, expected: number): number {
  let [fewer, exactly] = [0, Math.exp(-expected)];
  for (let reads = 0; reads < count; reads += 1) {
    fewer += exactly;
    exactly *= expected / (reads + 1);
  }
  return 1 - fewer;
}

/** Packing into a class now and lying there until the next read; infinite where that breaks the promise. */
function packedUsd({ facts, at, prospect, rates }: PackProspect, packing: PackingFacts, to: ClassRates): number {
  const from = rates.of(facts.storageClass);
  const outlook = packedOutlook(to, { bytes: facts.bytes, heldMs: 0, idleMs: 0 }, packing, prospect, rates);
  if (outlook === undefined) return Number.POSITIVE_INFINITY;
  const leftUsd = earlyDeletionUsd(from, facts.bytes, at.heldMs);
  return packMoveUsd(from, to, facts.bytes, packing, rates) + leftUsd + outlookUsd(outlook);
}

/** The ratio at which packing costs as much as it saves. The dollars grow with the packed bytes on a straight line, minimum sizes aside. */
function breakEven(
  one: PackProspect,
  best: { readonly to: StorageClass; readonly usd: number },
  plainUsd: number,
): number {
  const { facts, packing, rates } = one;
  const ratio = packing.bytes / facts.bytes;
  const fullUsd = packedUsd(one, { ...packing, bytes: Bytes.parse(facts.bytes) }, rates.of(best.to));
  if (!(fullUsd > plainUsd)) return 1;
  return Math.min(1, ratio + ((plainUsd - best.usd) / (fullUsd - best.usd)) * (1 - ratio));
}

/**
 * What is packed stays, moves as it is, or is unpacked where that is cheaper or where readers were promised less. Where nobody knows the reads
 * any more, it only goes home, which risks nothing.
 */
export function choosePackedByDollars(one: PackProspect): TierChoice {
  const { facts, packing, at, prospect, policy, rates } = one;
  if (facts.heldBy !== undefined) return { action: 'keep', reason: 'held' };
  const from = rates.of(facts.storageClass);
  const leftUsd = earlyDeletionUsd(from, packing.bytes, at.heldMs);
  const stay = packedOutlook(from, { ...at, bytes: facts.bytes }, packing, prospect, rates);
  let bestUsd = stay === undefined ? Number.POSITIVE_INFINITY : outlookUsd(stay) * (1 - policy.margin);
  let best: TierChoice = { action: 'keep', reason: 'no-cheaper-class' };
  const consider = (
    action: 'transition' | 'unpack',
    to: StorageClass,
    moveUsd: number,
    outlook: ClassOutlook | undefined,
  ): void => {
    if (outlook === undefined || moveUsd + leftUsd + outlookUsd(outlook) >= bestUsd) return;
    bestUsd = moveUsd + leftUsd + outlookUsd(outlook);
    best = { action, to, reason: stay === undefined ? 'promise' : 'cheaper' };
  };
  const known = facts.knownReadsPerDay !== undefined;
  for (const to of rates.classes) {
    const rate = rates.of(to);
    const fresh = { bytes: facts.bytes, heldMs: 0, idleMs: 0 };
    if (rate.instant && (known || to === homeClass(rates))) {
      const outlook = classOutlook(rate, fresh, prospect.forecast, prospect.horizonMs, prospect.waiting);
      consider('unpack', to, unpackMoveUsd(from, rate, facts.bytes, packing, rates), outlook);
    }
    // What is archived must be restored, and a restore unpacks.
    if (known && from.instant && to !== facts.storageClass && !wouldBeRegretted(one, packing, rate)) {
      const outlook = packedOutlook(rate, fresh, packing, prospect, rates);
      consider('transition', to, moveUsd(from, rate, packing.bytes, 'copy'), outlook);
    }
  }
  return best;
}
