import { Usd } from '../shared/units.ts';
import { moveUsd } from './bill.ts';
import { unpackMoveUsd } from './packing.ts';
import type { Rates } from './rates.ts';
import { monthUsd } from './tierAlternatives.ts';
import { liabilityUsd, storedBytes, type TierFacts } from './tierFacts.ts';
import type { PricedPlace } from './tierTypes.ts';

/**
 * What can be done with a restored object, or a packed one in a class that is read at once: leave it as it lies, where the next reader waits
 * and pays again, or write it, unpacked, to a class that is read at once. The restore itself is paid for.
 */
export function restoredAlternatives(facts: TierFacts, rates: Rates, now: number): readonly PricedPlace[] {
  const { bytes, packing, storageClass: lies } = facts;
  const left = rates.of(lies);
  const from = left.instant ? left : { ...left, retrievalUsdPerByte: 0, retrievalUsdPerRequest: 0 };
  const stays: PricedPlace = {
    action: 'keep',
    storageClass: lies,
    usdPerMonth: Usd.parse(monthUsd(facts, lies, packing, true, rates, now)),
    moveUsd: Usd.parse(0),
    earlyDeletionUsd: Usd.parse(0),
  };
  const written = rates.classes.filter((one) => rates.of(one).instant);
  return [
    stays,
    ...written.map((storageClass): PricedPlace => {
      const to = rates.of(storageClass);
      const move =
        packing === undefined
          ? moveUsd(from, to, storedBytes(facts), 'copy')
          : unpackMoveUsd(from, to, bytes, packing, rates);
      return {
        action: packing === undefined ? 'transition' : 'unpack',
        storageClass,
        usdPerMonth: Usd.parse(monthUsd(facts, storageClass, undefined, false, rates, now)),
        moveUsd: Usd.parse(move),
        earlyDeletionUsd: liabilityUsd(facts, rates, now),
      };
    }),
  ];
}
