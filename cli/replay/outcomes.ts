import { billUsd, type Mechanics, POLICIES, type PolicyName, type ReplayResult } from '../../lib/placement/index.ts';
import { jsonLine } from '../../lib/shared/printable.ts';
import { formatUsd, SECOND_MS, Usd } from '../../lib/shared/units.ts';
import type { CacheTally } from './hostCaches.ts';

/** What one policy would have cost, behind caches of one policy or behind none. */
export interface Outcome extends ReplayResult {
  readonly policy: PolicyName;
  readonly cachePolicy?: string;
  readonly tally: CacheTally;
  readonly missWaitUsd: number;
  /** The least of the store's dollars for what reached it. */
  readonly optimumUsd: number | undefined;
  /** With caches: below all dollars of any policies. */
  readonly boundUsd: number | undefined;
}

export function nameOf({ policy, cachePolicy }: Outcome): string {
  return cachePolicy === undefined ? policy : `${cachePolicy} + ${policy}`;
}

function totalUsd({ bill, missWaitUsd, tally }: Outcome): number {
  return billUsd(bill) + missWaitUsd + tally.rentUsd;
}

/** One object a line, of the schema `strata.replay/v1`. */
export function asJson(outcomes: readonly Outcome[], prices: string): string {
  return outcomes
    .map((outcome) => {
      const { policy, cachePolicy, bill, tally, missWaitUsd, optimumUsd, boundUsd } = outcome;
      const { waitMs, gpuWaitingUsd, ...counts } = bill;
      const ratios = {
        ...(optimumUsd ? { optimumUsd, ratioToOptimum: billUsd(bill) / optimumUsd } : {}),
        ...(boundUsd ? { boundUsd, ratioToBound: totalUsd(outcome) / boundUsd } : {}),
      };
      const record = {
        schema: 'strata.replay/v1',
        policy,
        cachePolicy,
        mechanics: POLICIES[policy].mechanics,
        prices,
        usd: totalUsd(outcome),
        ...ratios,
        ...counts,
        gpuWaitingUsd: gpuWaitingUsd + missWaitUsd,
        ...(tally.rentUsd === 0 ? {} : { hostTierUsd: tally.rentUsd }),
        hostReads: tally.hostReads,
        misses: tally.misses,
        gpuSecondsWaited: (waitMs + tally.missWaitMs) / SECOND_MS,
      };
      return jsonLine(record);
    })
    .join('');
}

/** How the bytes of each policy were moved, in a line. */
export function mechanicsOf(outcomes: readonly Outcome[]): string {
  const named = (mechanics: Mechanics): readonly string[] => [
    ...new Set(outcomes.flatMap(({ policy }) => (POLICIES[policy].mechanics === mechanics ? [policy] : []))),
  ];
  const told = [
    ['plane', 'by the copies of a plane'],
    ['lifecycle', 'by S3 Lifecycle and by writing back'],
  ] as const;
  return told
    .filter(([mechanics]) => named(mechanics).length > 0)
    .map(([mechanics, how]) => `${named(mechanics).join(', ')}: ${how}`)
    .join('; ');
}

export function asTable(outcomes: readonly Outcome[]): string {
  const dollars = (usd: number): string => formatUsd(Usd.parse(usd));
  const ratio = (usd: number, least: number | undefined): string => (least ? (usd / least).toFixed(4) : '–');
  const bounded = outcomes.some(({ boundUsd }) => boundUsd !== undefined);
  const rented = outcomes.some(({ tally }) => tally.rentUsd > 0);
  const header = [
    'policy',
    'total',
    ...(bounded ? ['× bound'] : []),
    '× optimum',
    'storage',
    'requests',
    'retrieval',
    'early del.',
    'GPU wait',
    ...(rented ? ['host tiers'] : []),
    'waited',
    'reads',
    'misses',
    'restores',
    'moves',
  ];
  const rows = outcomes.map((outcome) => {
    const { bill, tally, missWaitUsd, optimumUsd, boundUsd } = outcome;
    return [
      nameOf(outcome),
      dollars(totalUsd(outcome)),
      ...(bounded ? [ratio(totalUsd(outcome), boundUsd)] : []),
      ratio(billUsd(bill), optimumUsd),
      dollars(bill.storageUsd),
      dollars(bill.requestUsd),
      dollars(bill.retrievalUsd),
      dollars(bill.earlyDeletionUsd),
      dollars(bill.gpuWaitingUsd + missWaitUsd),
      ...(rented ? [dollars(tally.rentUsd)] : []),
      `${Math.round((bill.waitMs + tally.missWaitMs) / SECOND_MS)} s`,
      String(tally.hostReads),
      String(tally.misses),
      String(bill.restores),
      String(bill.moves),
    ];
  });
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return `${[header, ...rows].map(line).join('\n')}\n`;
}
