import * as z from 'zod/mini';
import type { Json } from '../shared/canonicalJson.ts';
import type { StorageClass } from '../shared/ids.ts';
import { EpochMs, Usd } from '../shared/units.ts';
import { moveUsd, readUsd } from './bill.ts';
import { amongChosen, Chosen, chosenAmong } from './classes.ts';
import { type ClassOutlook, classOutlook, type DollarPolicy, outlookUsd, type Prospect } from './dollarPolicy.ts';
import { prospectOf } from './dollarTier.ts';
import type { ClassRates, Rates } from './rates.ts';
import { TierFacts } from './tierFacts.ts';

const { bytes, digest, knownReadsPerDay, restoreToleranceMs, waitingUsdPerHour } = TierFacts.shape;

/** What is known of bytes that are about to be published. */
export const FirstFacts = z.strictObject({ digest, bytes, knownReadsPerDay, restoreToleranceMs, waitingUsdPerHour });
export type FirstFacts = z.infer<typeof FirstFacts>;

export type FirstReason =
  /** The class that is read at once with the least expected dollars. */
  | 'reads-known'
  /** The same of those that nothing is lost by, whatever the reads will be. */
  | 'reads-unknown'
  /** An archive would cost less, and readers can wait: it lies where leaving costs nothing until a sweep finds that hosts have it. */
  | 'archived-later';

export interface FirstAlternative {
  readonly storageClass: StorageClass;
  /** Dollars until the next read or the horizon. */
  readonly outlook: ClassOutlook;
  /** Of being written there. */
  readonly writeUsd: Usd;
  /** Hosts fetch what was published: one read, that no forecast counts. */
  readonly fetchUsd: Usd;
}

export interface FirstDecision {
  readonly storageClass: StorageClass;
  readonly reason: FirstReason;
  /** The classes that were compared; none is an archive. */
  readonly alternatives: readonly FirstAlternative[];
}

/**
 * The storage class that bytes are published in: never an archive, since hosts still have to fetch them. Throws `PricingError`. The same
 * facts, policy, rates and time give the same decision.
 */
export function decideFirst(facts: FirstFacts, policy: DollarPolicy, rates: Rates, now: EpochMs): FirstDecision {
  const unread = { storageClass: 'STANDARD', createdAt: now, transitionedAt: now, accessesLast30Days: 0 } as const;
  const prospect = prospectOf({ ...facts, ...unread }, policy, now);
  const places = rates.classes.flatMap((one) => placeIn(one, rates.of(one), facts, prospect));
  const known = facts.knownReadsPerDay !== undefined;
  const { among: alternatives, reason, storageClass } = whereToBegin(places, placeUsd, known, rates);
  return { storageClass, reason, alternatives };
}

/**
 * Of the places that bytes could be written to, archives among them, the one that they begin in, which is none, why, and those that could have
 * been it.
 */
export function whereToBegin<Place extends { readonly storageClass: StorageClass }>(
  places: readonly Place[],
  usdOf: (place: Place) => number,
  readsKnown: boolean,
  rates: Rates,
): { readonly storageClass: StorageClass; readonly reason: FirstReason; readonly among: readonly Place[] } {
  const readAtOnce = places.filter(({ storageClass }) => rates.of(storageClass).instant);
  const free = readAtOnce.filter(({ storageClass }) => chargesNothing(rates.of(storageClass)));
  if (!readsKnown) return { ...cheapest(free, usdOf), reason: 'reads-unknown', among: free };
  const best = cheapest(places, usdOf).storageClass;
  if (!readAtOnce.some(({ storageClass }) => storageClass === best)) {
    return { ...cheapest(free, usdOf), reason: 'archived-later', among: free };
  }
  return { ...cheapest(readAtOnce, usdOf), reason: 'reads-known', among: readAtOnce };
}

/** Neither for reads nor for leaving early. */
function chargesNothing({ minimumMs, retrievalUsdPerByte }: ClassRates): boolean {
  return minimumMs === 0 && retrievalUsdPerByte === 0;
}

/** Nothing where the class breaks a promise. */
function placeIn(
  storageClass: StorageClass,
  rates: ClassRates,
  { bytes: size }: FirstFacts,
  { forecast, horizonMs, waiting }: Prospect,
): readonly FirstAlternative[] {
  const outlook = classOutlook(rates, { bytes: size, heldMs: 0, idleMs: 0 }, forecast, horizonMs, waiting);
  if (outlook === undefined) return [];
  const writeUsd = Usd.parse(moveUsd(rates, rates, size, 'write-back'));
  return [{ storageClass, outlook, writeUsd, fetchUsd: Usd.parse(readUsd(rates, size)) }];
}

function cheapest<Place extends { readonly storageClass: StorageClass }>(
  places: readonly Place[],
  usdOf: (place: Place) => number,
): Pick<FirstDecision, 'storageClass'> {
  let [best, bestUsd]: [StorageClass, number] = ['STANDARD', Number.POSITIVE_INFINITY];
  for (const one of places) {
    const usd = usdOf(one);
    if (usd < bestUsd) [best, bestUsd] = [one.storageClass, usd];
  }
  return { storageClass: best };
}

function placeUsd({ fetchUsd, outlook, writeUsd }: FirstAlternative): number {
  return outlookUsd(outlook) + writeUsd + fetchUsd;
}

/** A class as a receipt names it, with its dollars. */
export function firstAlternative(one: FirstAlternative) {
  const { fetchUsd: fetch, outlook, storageClass, writeUsd: write } = one;
  const { earlyDeletionUsd: early, gpuWaitingUsd: waiting, retrievalUsd: reads, storageUsd: storage } = outlook;
  const parts = { storage, reads, waiting, early, write, fetch };
  return { action: `place ${storageClass}`, usd: Usd.parse(placeUsd(one)), parts };
}

const Recorded = z.strictObject({ decision: z.literal('first'), facts: FirstFacts, now: EpochMs, classes: Chosen });

/** The inputs of a decision as JSON, for its receipt. */
export function recordFirst(facts: FirstFacts, now: EpochMs, rates: Rates): Json {
  return { decision: 'first', facts: { ...facts }, now, ...chosenAmong(rates) };
}

/** Decides once more what a receipt says was decided; undefined when its inputs are not those of a first class. */
export function replayFirst(inputs: string, policy: DollarPolicy, rates: Rates): FirstDecision | undefined {
  const parsed = Recorded.safeParse(JSON.parse(inputs));
  if (!parsed.success) return undefined;
  const { classes, facts, now } = parsed.data;
  return decideFirst(facts, policy, amongChosen(rates, classes), now);
}
