import { gpusCost, type GpusCost, type HostTierCost, hostTiersCost } from '../../lib/costs/index.ts';
import { type HostScore, scoreHost, tierRooms } from '../../lib/hostMetrics/index.ts';
import type { OperationOutput } from '../../lib/operations/index.ts';
import type { Rates } from '../../lib/placement/index.ts';
import { formatBytes, formatUsd } from '../../lib/shared/units.ts';
import { note, type OutputOptions, print } from '../output.ts';

type ListedHost = OperationOutput<'listHosts'>['items'][number];
type MeasuredHost = OperationOutput<'showHostMetrics'>['items'][number];

/** What a host's tiers cost, and how well it did in its last minute, where it has told of one. */
export interface HostStanding {
  readonly tierCosts: readonly HostTierCost[];
  readonly gpus?: GpusCost;
  readonly score?: HostScore;
}

export function standingOf(host: ListedHost, measured: MeasuredHost | undefined, rates: Rates): HostStanding {
  const rooms = tierRooms(host);
  const names = (measured?.metrics.gpus ?? []).map(({ name }) => name);
  const gpus = gpusCost(host.labels['gpu'], names, rates);
  return {
    tierCosts: hostTiersCost(rooms, rates),
    ...(gpus === undefined ? {} : { gpus }),
    ...(measured === undefined ? {} : { score: scoreHost(measured.metrics, host, rooms) }),
  };
}

/** For people, behind what one host measured. */
export function printStanding({ tierCosts, gpus, score }: HostStanding, options: OutputOptions): void {
  note('');
  print(options, {
    schema: 'strata.host-tier/v1',
    items: tierCosts,
    id: ({ tier }) => tier,
    columns: [
      ['TIER', ({ tier }) => tier],
      ['USED', ({ usedBytes }) => formatBytes(usedBytes)],
      ['CAPACITY', ({ capacityBytes }) => formatBytes(capacityBytes)],
      ['USED A MONTH', ({ usedUsdPerMonth }) => formatUsd(usedUsdPerMonth), 'spare'],
      ['A MONTH', ({ capacityUsdPerMonth }) => formatUsd(capacityUsdPerMonth)],
      ['AN HOUR', ({ capacityUsdPerHour }) => formatUsd(capacityUsdPerHour), 'spare'],
      ['PRICES', ({ book }) => book, 'spare'],
      ['SCORE', ({ tier }) => pointsText(score?.tiers.find((one) => one.tier === tier)?.points)],
    ],
  });
  if (gpus !== undefined) note(`Its ${gpus.count} ${gpus.gpu} cost ${formatUsd(gpus.usdPerHour)} an hour.`);
  if (score !== undefined) printScore(score, options);
}

function printScore(score: HostScore, options: OutputOptions): void {
  const ofTiers = score.tiers.flatMap(({ tier, parts }) =>
    parts.map((part) => ({ ...part, name: `${tier} ${part.name}` })),
  );
  note('');
  print(options, {
    schema: 'strata.host-score/v1',
    items: [...score.parts, ...ofTiers],
    id: ({ name }) => name,
    columns: [
      ['SCORE OF', ({ name }) => name],
      ['POINTS', ({ points }) => String(points)],
      ['WEIGHT', ({ weight }) => String(weight), 'spare'],
      ['MEASURED', ({ measured }) => measured],
    ],
  });
  const missing = [...score.missing, ...score.tiers.flatMap((one) => one.missing.map((name) => `${one.tier} ${name}`))];
  note(
    `Score ${pointsText(score.points)} of 100${missing.length === 0 ? '' : `; not measured: ${missing.join(', ')}`}.`,
  );
  if (score.lowest !== undefined) note(`Lowest: ${lowestText(score.lowest)}. ${score.lowest.recommendation}`);
}

/** `cache 61: hit rate 78 % while full`. */
function lowestText({ name, points, measured }: NonNullable<HostScore['lowest']>): string {
  return `${name} ${points}${measured === '' ? '' : `: ${measured}`}`;
}

export function scoreText({ score }: HostStanding): string {
  const lowest = score?.lowest === undefined ? '' : ` (${score.lowest.name} ${score.lowest.points})`;
  return `${pointsText(score?.points)}${lowest}`;
}

function pointsText(points: number | undefined): string {
  return points === undefined ? '' : String(points);
}
