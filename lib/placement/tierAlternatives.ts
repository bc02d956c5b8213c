import type { StorageClass } from '../shared/ids.ts';
import { MONTH_MS, Usd } from '../shared/units.ts';
import { moveUsd, readUsd } from './bill.ts';
import { classesFor } from './classes.ts';
import { knownRate } from './demand.ts';
import { type ClassOutlook, outlookUsd } from './dollarPolicy.ts';
import { packMoveUsd, type PackingFacts, unpackMoveUsd, unpackUsd } from './packing.ts';
import type { Rates } from './rates.ts';
import { storageWithReadsUsd } from './storageWithReads.ts';
import { bucketReadsOf, idleMs, liabilityUsd, storedBytes, type TierFacts } from './tierFacts.ts';
import type { TierAlternative } from './tierTypes.ts';

const YEAR_MS = 12 * MONTH_MS;

/** The outlooks of the classes that keep the promise, with the bytes as they are and packed. */
export interface Outlooks {
  readonly plain: ReadonlyMap<StorageClass, ClassOutlook>;
  readonly packed: ReadonlyMap<StorageClass, ClassOutlook>;
}

/** Every place that an object could be in; by rules the packed one is that of the chosen class `into`. */
export function tierAlternatives(
  facts: TierFacts,
  into: StorageClass,
  rates: Rates,
  now: number,
  outlooks: Outlooks | undefined,
): TierAlternative[] {
  const { packing } = facts;
  const isPacked = packing?.packed === true;
  const alternatives = classesFor(facts.storageClass, rates).map((one) =>
    alternative(facts, one, isPacked, rates, now, outlooks),
  );
  for (const one of packing === undefined ? [] : rates.classes) {
    const considered = isPacked || (outlooks === undefined ? one === into : outlooks.packed.has(one));
    const written = rates.of(one).instant;
    const possible = isPacked ? written : written && rates.of(facts.storageClass).instant;
    if (considered && possible) alternatives.push(alternative(facts, one, !isPacked, rates, now, outlooks));
  }
  return alternatives.sort((one, other) => rank(one, outlooks !== undefined) - rank(other, outlooks !== undefined));
}

function alternative(
  facts: TierFacts,
  storageClass: StorageClass,
  packed: boolean,
  rates: Rates,
  now: number,
  outlooks: Outlooks | undefined,
): TierAlternative {
  const { bytes, packing } = facts;
  const isPacked = packing?.packed === true;
  const [from, to] = [rates.of(facts.storageClass), rates.of(storageClass)];
  const action =
    packed === isPacked ? (storageClass === facts.storageClass ? 'keep' : 'transition') : packed ? 'pack' : 'unpack';
  const stays = action === 'keep';
  return {
    action,
    storageClass,
    usdPerMonth: Usd.parse(monthUsd(facts, storageClass, packed ? packing : undefined, stays, rates, now)),
    moveUsd: Usd.parse(
      stays
        ? 0
        : packing === undefined || action === 'transition'
          ? moveUsd(from, to, storedBytes(facts), 'copy')
          : (action === 'pack' ? packMoveUsd : unpackMoveUsd)(from, to, bytes, packing, rates),
    ),
    earlyDeletionUsd: stays ? Usd.parse(0) : liabilityUsd(facts, rates, now),
    needsRestore: !stays && !from.instant,
    outlook: (packed ? outlooks?.packed : outlooks?.plain)?.get(storageClass),
  };
}

/** Storage and reads of a month, there. */
export function monthUsd(
  facts: TierFacts,
  storageClass: StorageClass,
  packing: PackingFacts | undefined,
  stays: boolean,
  rates: Rates,
  now: number,
): number {
  const to = rates.of(storageClass);
  const stored = packing?.bytes ?? facts.bytes;
  const { last30Days } = bucketReadsOf(facts);
  const yearUsd = storageWithReadsUsd(to, stored, stays ? idleMs(facts, now) : 0, knownRate(last30Days / 30), YEAR_MS);
  const unpacking = packing === undefined ? 0 : unpackUsd(facts.bytes, packing, rates);
  return yearUsd / 12 + last30Days * (readUsd(to, stored) + unpacking);
}

function rank(one: TierAlternative, byOutlook: boolean): number {
  if (one.action === 'keep') return -1;
  if (!byOutlook) return one.usdPerMonth;
  return one.outlook === undefined ? Number.MAX_VALUE : outlookUsd(one.outlook) + one.moveUsd + one.earlyDeletionUsd;
}
