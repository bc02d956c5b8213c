import type { StorageClass } from '../shared/ids.ts';
import { Usd } from '../shared/units.ts';
import { idleMonthUsd, moveUsd, readUsd } from './bill.ts';
import { classInstead, homeClass } from './classes.ts';
import { type ClassOutlook, classOutlook, type DollarPolicy } from './dollarPolicy.ts';
import { prospectOf } from './dollarTier.ts';
import { type FirstReason, whereToBegin } from './firstTier.ts';
import { unpackMoveUsd } from './packing.ts';
import type { Rates } from './rates.ts';
import { monthUsd } from './tierAlternatives.ts';
import { liabilityUsd, storedBytes, type TierFacts } from './tierFacts.ts';
import { receiptAlternative } from './tierReceipt.ts';
import { type Temperature, type TemperatureReason, temperature } from './tierRules.ts';
import type { PricedPlace, TierPolicy } from './tierTypes.ts';

/** Why restored bytes go where they go. */
export type RestoredReason =
  /** A move wanted them there: its own decision says why. */
  | 'wished'
  /** Sweeps are off, or nothing that may decide is in force: they go where nothing is charged for reads, and which cools by itself. */
  | 'sweeps-off'
  /** By dollars: as new bytes are placed. */
  | FirstReason
  /** By rules: with the read that they were restored for. */
  | TemperatureReason
  /** By rules: the class bills a minimum size that makes them dearer there. */
  | 'below-class-minimum'
  /** The copy that it had before still lies, until it is deleted, in the class that it would go to. */
  | 'occupied'
  /** By the lifecycle preset: what is read is kept hot until it is idle again. */
  | 'read-again';

export interface RestoredAlternative {
  readonly action: string;
  readonly usd: Usd;
  readonly parts: Readonly<Record<string, number>>;
  /** Why it is not chosen, where dollars do not say so. */
  readonly reason?: string;
}

export interface RestoredTier {
  readonly to: StorageClass;
  readonly reason: RestoredReason;
  readonly chosen: string;
  readonly alternatives: readonly RestoredAlternative[];
}

/** What wants the bytes: a move that has decided where they go, or somebody who reads them now, once at least. */
export type RestoredFor = { readonly to: StorageClass } | 'read';

/**
 * The class that restored bytes are written to, or packed ones of a class that is read at once; never an archive, since somebody waits. The
 * restore itself is paid for. `policy`: what decides storage classes now; undefined where nothing does. `occupied`: where nothing can go yet;
 * it is answered only where nothing else is left. Throws `PricingError`. The same
 * facts, policy, rates and time give the same decision.
 */
export function decideRestoredTier(
  facts: TierFacts,
  wanted: RestoredFor,
  policy: TierPolicy | undefined,
  rates: Rates,
  now: number,
  occupied: readonly StorageClass[] = [],
): RestoredTier {
  const placed = (to: StorageClass, reason: RestoredReason): RestoredTier => {
    const alternatives = restoredPlaces(facts, rates, now).map(receiptAlternative);
    return told({ to, reason, chosen: `${written(facts)} ${to}`, alternatives });
  };
  const open = rates.classes.filter((one) => rates.of(one).instant && !occupied.includes(one));
  const into = (to: StorageClass, reason: RestoredReason): RestoredTier => {
    const instead = [homeClass(rates), ...open].find((one) => open.includes(one));
    return open.includes(to) || instead === undefined ? placed(to, reason) : placed(instead, 'occupied');
  };
  if (wanted !== 'read') return placed(wanted.to, 'wished');
  switch (policy?.kind) {
    case undefined:
      return into(homeClass(rates), 'sweeps-off');
    case 'lifecycle':
      return into('STANDARD', 'read-again');
    case 'rules': {
      const { accessesLast30Days } = facts;
      const read = { ...facts, lastAccessAt: now, accessesLast30Days: accessesLast30Days + 1 };
      const { reason, temperature: judged } = temperature(read, policy, now);
      const placeOf = (one: Temperature) => classInstead(policy.classes[one], rates);
      const [to, hot] = [placeOf(judged === 'archive' ? 'cold' : judged), placeOf('hot')];
      const usd = (one: StorageClass) => idleMonthUsd(rates.of(one), facts.bytes);
      return to !== hot && usd(to) >= usd(hot) ? into(hot, 'below-class-minimum') : into(to, reason);
    }
    case 'dollars':
      return byDollars(
        facts,
        policy,
        { ...rates, classes: rates.classes.filter((one) => !occupied.includes(one)) },
        now,
      );
  }
}

/** As new bytes are placed: known reads may choose any class that is read at once, learned ones only those that charge for nothing. */
function byDollars(facts: TierFacts, policy: DollarPolicy, rates: Rates, now: number): RestoredTier {
  const { forecast, horizonMs, waiting } = prospectOf(facts, policy, now);
  const left = liabilityUsd(facts, rates, now);
  const places = rates.classes.flatMap((storageClass) => {
    const at = { bytes: facts.bytes, heldMs: 0, idleMs: 0 };
    const outlook = classOutlook(rates.of(storageClass), at, forecast, horizonMs, waiting);
    if (outlook === undefined) return [];
    const fetch = readUsd(rates.of(storageClass), facts.bytes);
    const once = { move: writeUsd(facts, storageClass, rates), left, fetch };
    return [{ storageClass, ...alternative(`${written(facts)} ${storageClass}`, outlook, once) }];
  });
  const known = facts.knownReadsPerDay !== undefined;
  const { among, reason, storageClass: to } = whereToBegin(places, ({ usd }) => usd, known, rates);
  const readAtOnce = places.filter((one) => rates.of(one.storageClass).instant);
  const alternatives = readAtOnce.map(({ storageClass, ...one }): RestoredAlternative => {
    const open = among.some((other) => other.storageClass === storageClass);
    return open ? one : { ...one, reason: 'charges for reads or for leaving early' };
  });
  return told({ to, reason, chosen: `${written(facts)} ${to}`, alternatives });
}

/** The receipt says why beside what was chosen. */
function told(decided: RestoredTier): RestoredTier {
  const { alternatives, chosen, reason } = decided;
  return { ...decided, alternatives: alternatives.map((one) => (one.action === chosen ? { ...one, reason } : one)) };
}

const written = ({ packing }: TierFacts) => (packing?.packed === true ? 'unpack' : 'transition');

function alternative(
  action: string,
  { earlyDeletionUsd: early, gpuWaitingUsd: waiting, retrievalUsd: reads, storageUsd: storage }: ClassOutlook,
  once: Readonly<Record<string, number>>,
): RestoredAlternative {
  const parts = { storage, reads, waiting, early, ...once };
  return { action, usd: Usd.parse(Object.values(parts).reduce((sum, one) => sum + one, 0)), parts };
}

/** Of writing what was restored, or of unpacking what lies where it is read at once. */
function writeUsd(facts: TierFacts, storageClass: StorageClass, rates: Rates): number {
  const [lies, to] = [rates.of(facts.storageClass), rates.of(storageClass)];
  const from = lies.instant ? lies : { ...lies, retrievalUsdPerByte: 0, retrievalUsdPerRequest: 0 };
  return facts.packing?.packed === true
    ? unpackMoveUsd(from, to, facts.bytes, facts.packing, rates)
    : moveUsd(from, to, storedBytes(facts), 'copy');
}

/** A month where it lies, and the next reader waits and pays again, or unpacked in each class that is read at once. */
function restoredPlaces(facts: TierFacts, rates: Rates, now: number): readonly PricedPlace[] {
  const { packing, storageClass: lies } = facts;
  const packed = packing?.packed === true ? packing : undefined;
  const stays: PricedPlace = {
    action: 'keep',
    storageClass: lies,
    usdPerMonth: Usd.parse(monthUsd(facts, lies, packed, true, rates, now)),
    moveUsd: Usd.parse(0),
    earlyDeletionUsd: Usd.parse(0),
  };
  const readAtOnce = rates.classes.filter((one) => rates.of(one).instant);
  return [
    stays,
    ...readAtOnce.map(
      (storageClass): PricedPlace => ({
        action: packed === undefined ? 'transition' : 'unpack',
        storageClass,
        usdPerMonth: Usd.parse(monthUsd(facts, storageClass, undefined, false, rates, now)),
        moveUsd: Usd.parse(writeUsd(facts, storageClass, rates)),
        earlyDeletionUsd: liabilityUsd(facts, rates, now),
      }),
    ),
  ];
}
