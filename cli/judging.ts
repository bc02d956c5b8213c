import type { OperationOutput } from '../lib/operations/index.ts';
import { compileRates, type Rates } from '../lib/placement/index.ts';
import { shippedPriceBook } from '../lib/pricing/index.ts';
import type { TierPolicyName } from '../lib/shared/sweepMode.ts';
import { formatBytes } from '../lib/shared/units.ts';
import { policyOf, SHIPPED } from '../lib/tiering/index.ts';
import { connect, type PlaneOptions } from './connection/connect.ts';
import { planeNames } from './connection/planeNames.ts';
import { planePrices } from './prices/books.ts';

/** By what storage classes are judged; without `basis`, nobody has asked a plane. */
export type Judged = Omit<OperationOutput<'showJudging'>, 'basis'> & {
  readonly basis: OperationOutput<'showJudging'>['basis'] | 'no-plane';
};

export interface Terms {
  readonly judged: Judged;
  /** The plane's, in its store. */
  readonly rates: Rates;
}

/**
 * What a command judges by: the policy and prices of the plane; of a plane that was not named, where the command needs none, what ships.
 */
export async function termsOf(
  options: PlaneOptions & { readonly policy?: TierPolicyName; readonly inventory?: string },
): Promise<Terms> {
  const { inventory, policy } = options;
  if (inventory !== undefined && planeNames(options, process.env).length === 0) {
    const judged = { ...SHIPPED, ...(policy === undefined ? {} : { policy }), basis: 'no-plane' as const };
    return { judged, rates: compileRates(shippedPriceBook()) };
  }
  const { operations } = await connect(options);
  const judged = await operations.showJudging(policy === undefined ? {} : { policy });
  const { classes, prices } = await planePrices(operations);
  return { judged, rates: compileRates(prices, classes === undefined ? {} : { classes }) };
}

/** A line for people: which policy, with which settings, and why that one. */
export function judgedText(judged: Judged): string {
  const { version } = policyOf(judged.settings, judged.policy);
  return `Judged by ${version}, ${basisText(judged)}; ${settingsText(judged)}.\n`;
}

function basisText({ basis, policy, since, sweep }: Judged): string {
  switch (basis) {
    case 'in-force':
      return `in force since ${since === undefined ? 'the first sweep' : new Date(since).toISOString().slice(0, 10)}`;
    case 'configured':
      return sweep === 'on'
        ? 'as configured: nothing is in force yet (strata policy show)'
        : `as configured: sweeps are ${sweep ?? 'off'}`;
    case 'asked':
      return `as asked: it is not what the plane decides by (strata policy show)`;
    case 'shipped':
      return 'as it ships: no sweep of this plane has noted its settings yet';
    case 'no-plane':
      return `as ${policy === SHIPPED.policy ? 'planes ship' : 'asked'}: no plane was named`;
  }
}

/** The settings that a policy's version does not name. */
export function settingsText({ policy, settings }: Pick<Judged, 'policy' | 'settings'>): string {
  const { packAboveBytes, packBelowRatio, priceBook, tierPacking } = settings;
  const prices = priceBook === undefined ? '' : `, prices ${priceBook}`;
  const what = `, above ${formatBytes(packAboveBytes)} what gets below ${Math.round(100 * packBelowRatio)} %`;
  return `packing ${tierPacking}${tierPacking === 'on' && policy === 'rules' ? what : ''}${prices}`;
}
