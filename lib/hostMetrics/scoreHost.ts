import type { HostMetrics, TierActivity } from '../../events/host-heartbeat/metrics.ts';
import { type Bottleneck, findBottlenecks, type HostRoom } from './findBottlenecks.ts';
import { type BottleneckKind, RECOMMENDATIONS } from './recommendations.ts';
import { scoreTier } from './scoreTier.ts';
import type { TierRoom } from './tierRooms.ts';
import { between, type Score, type ScorePart, weigh } from './weigh.ts';
import { formatCount } from '../shared/formatCount.ts';

export interface HostScore extends Score {
  readonly tiers: readonly (Score & { readonly tier: TierActivity['tier'] })[];
}

type Part = Omit<ScorePart, 'name'> | undefined;

/** Fewer asks or fetches than these weigh as if they were so many: one failure of two is no half. */
const LEAST = 10;

/**
 * How well a host did in a minute, from 0 to 100: the weighted geometric mean (`weigh`) of these parts, each with 100 points at `best`, 0 at
 * `worst`, in proportion between (`between`). What has no reading is left out and named.
 *
 *     part        weight  figure                                                    best  worst
 *     asks        4       failed ÷ all asks, of 10 at least                         0     0.5
 *     fetches     3       failed ÷ all fetches, of 10 at least                      0     0.5
 *     cache       3       hits ÷ answered asks, of 10 or more, while it is 90 % full  0.95  0.5
 *     nvme, ssd   3, 2    the tier's own score (`scoreTier`)
 *     memory      2       available share; share of the time waited (the worse)     0.2, 0  0.02, 0.2
 *     processors  1       busy share; share stolen (the worse)                      0.7, 0  1, 0.2
 *     network     1       the busier way ÷ the line                                 0.7   1
 *
 * Weights: what processes see at once weighs most, what only may become a wait weighs least. `worst` of asks and fetches is where health is
 * failing; the thresholds of `findBottlenecks` lie between best and worst. Weights and ends are ours.
 */
export function scoreHost(metrics: HostMetrics, room: HostRoom, rooms: readonly TierRoom[]): HostScore {
  const bottlenecks = findBottlenecks(metrics, room);
  const tiers = rooms.map((one) => ({ tier: one.tier, ...scoreTier(metrics, one) }));
  const tierPart = (tier: TierActivity['tier'], weight: number): Part => {
    const { points, lowest } = tiers.find((one) => one.tier === tier) ?? {};
    if (points === undefined) return undefined;
    const measured = lowest === undefined ? '' : `${lowest.name}: ${lowest.measured}`;
    return { weight, points, measured, recommendation: lowest?.recommendation ?? '' };
  };
  const score = weigh({
    asks: asksPart(metrics, bottlenecks),
    fetches: fetchesPart(metrics, bottlenecks),
    cache: cachePart(metrics, room, bottlenecks),
    nvme: tierPart('nvme', 3),
    ...(tiers.some(({ tier }) => tier === 'ssd') ? { ssd: tierPart('ssd', 2) } : {}),
    memory: memoryPart(metrics, bottlenecks),
    processors: processorsPart(metrics, bottlenecks),
    network: networkPart(metrics, bottlenecks),
  });
  return { ...score, tiers };
}

const percent = (share: number) => `${Math.round(100 * share)} %`;

/** That of the bottleneck where there is one: it may know more of the cause. */
function advice(bottlenecks: readonly Bottleneck[], kinds: readonly [BottleneckKind, ...BottleneckKind[]]): string {
  const found = bottlenecks.find(({ kind }) => kinds.includes(kind));
  return found?.recommendation ?? RECOMMENDATIONS[kinds[0]];
}

function asksPart({ asks }: HostMetrics, bottlenecks: readonly Bottleneck[]): Part {
  const all = asks.hits + asks.misses + asks.failures;
  if (all === 0) return undefined;
  return {
    weight: 4,
    points: between(asks.failures / Math.max(LEAST, all), 0, 0.5),
    measured: `${asks.failures} of ${formatCount(all, 'ask')} failed`,
    recommendation: advice(bottlenecks, ['asks-fail']),
  };
}

function fetchesPart({ transfer }: HostMetrics, bottlenecks: readonly Bottleneck[]): Part {
  const failed = Object.values(transfer.failures).reduce((sum, count) => sum + count, 0);
  const all = transfer.fetches + failed;
  if (all === 0) return undefined;
  return {
    weight: 3,
    points: between(failed / Math.max(LEAST, all), 0, 0.5),
    measured: `${failed} of ${formatCount(all, 'fetch', 'fetches')} failed`,
    recommendation: advice(bottlenecks, ['fetches-fail']),
  };
}

/** A cache with room to spare misses because it is cold: that is no reading of its size. */
function cachePart({ asks }: HostMetrics, room: HostRoom, bottlenecks: readonly Bottleneck[]): Part {
  const answered = asks.hits + asks.misses;
  if (answered < LEAST || room.usedBytes < 0.9 * room.capacityBytes) return undefined;
  const hitRate = asks.hits / answered;
  return {
    weight: 3,
    points: between(hitRate, 0.95, 0.5),
    measured: `hit rate ${percent(hitRate)} while full`,
    recommendation: advice(bottlenecks, ['cache-too-small']),
  };
}

function memoryPart({ memory, pressure }: HostMetrics, bottlenecks: readonly Bottleneck[]): Part {
  const limit = memory?.limitBytes ?? memory?.totalBytes ?? 0;
  const available = memory === undefined || limit === 0 ? undefined : memory.availableBytes / limit;
  const waited = pressure?.memory;
  const points = [
    ...(available === undefined ? [] : [between(available, 0.2, 0.02)]),
    ...(waited === undefined ? [] : [between(waited, 0, 0.2)]),
  ];
  if (points.length === 0) return undefined;
  const texts = [
    ...(available === undefined ? [] : [`${percent(available)} available`]),
    ...(waited === undefined ? [] : [`waited for ${percent(waited)} of the time`]),
  ];
  return {
    weight: 2,
    points: Math.min(...points),
    measured: texts.join(', '),
    recommendation: advice(bottlenecks, ['memory-short', 'memory-pressure']),
  };
}

function processorsPart({ cpu }: HostMetrics, bottlenecks: readonly Bottleneck[]): Part {
  if (cpu === undefined) return undefined;
  const [busy, stolen] = [between(cpu.busy, 0.7, 1), between(cpu.stolen, 0, 0.2)];
  return {
    weight: 1,
    points: Math.min(busy, stolen),
    measured: `${percent(cpu.busy)} busy, ${percent(cpu.stolen)} stolen`,
    recommendation: advice(bottlenecks, stolen < busy ? ['cpu-stolen'] : ['cpu-busy']),
  };
}

function networkPart({ network }: HostMetrics, bottlenecks: readonly Bottleneck[]): Part {
  const limit = network?.bytesPerSecondLimit ?? 0;
  if (network === undefined || limit === 0) return undefined;
  const taken = Math.max(network.receivedBytesPerSecond, network.sentBytesPerSecond) / limit;
  return {
    weight: 1,
    points: between(taken, 0.7, 1),
    measured: `${percent(taken)} of the line`,
    recommendation: advice(bottlenecks, ['network-at-its-limit']),
  };
}
