import type { DiskLoad, HostMetrics } from '../../events/host-heartbeat/metrics.ts';
import { formatBytes } from '../shared/units.ts';
import { RECOMMENDATIONS, VOLUME_FAILED } from './recommendations.ts';
import type { TierRoom } from './tierRooms.ts';
import { between, type Score, type ScorePart, weigh } from './weigh.ts';
import { formatCount } from '../shared/formatCount.ts';

type Part = Omit<ScorePart, 'name'> | undefined;

/**
 * How well a tier of a host did in a minute, from 0 to 100, by `weigh`:
 *
 *     part     weight  figure                                                              best  worst
 *     volumes  4       failed ÷ all volumes                                                0     1
 *     disk     3       of its slowest device: busy share and ms a request (the better)     0.5, 1  1, 20
 *     room     2       evicted ÷ served bytes while it is 90 % full; 100 points with room  0     1
 *     loads    2       p95 of its loads, by its logarithm                                  100 ms  10 s
 *
 * A device that serves requests in parallel may be busy all the time and let nobody wait: only both together cost points (iostat(1)).
 */
export function scoreTier(metrics: HostMetrics, room: TierRoom): Score {
  return weigh({
    volumes: volumesPart(room),
    disk: diskPart(metrics, room),
    room: roomPart(metrics, room),
    loads: loadsPart(metrics, room),
  });
}

function volumesPart({ volumes, failed }: TierRoom): Part {
  if (volumes.length === 0) return undefined;
  return {
    weight: 4,
    points: between(failed.length / volumes.length, 0, 1),
    measured: failed.length === 0 ? `all ${volumes.length} serve` : `failed: ${failed.join(', ')}`,
    recommendation: VOLUME_FAILED,
  };
}

/** A host that lists no volumes has one, and all its devices are of that. */
function diskPart({ disks = [] }: HostMetrics, { volumes }: TierRoom): Part {
  const own = disks.filter(({ volume }) => volumes.length === 0 || volumes.includes(volume));
  const [slowest] = own.toSorted((one, other) => diskPoints(one) - diskPoints(other));
  if (slowest === undefined) return undefined;
  const { volume, busy, awaitMs } = slowest;
  const waits = awaitMs === undefined ? '' : `, ${awaitMs.toFixed(1)} ms a request`;
  return {
    weight: 3,
    points: diskPoints(slowest),
    measured: `${volume} busy ${Math.round(100 * busy)} %${waits}`,
    recommendation: RECOMMENDATIONS['disk-saturated'],
  };
}

function diskPoints({ busy, awaitMs = 0 }: DiskLoad): number {
  return Math.max(between(busy, 0.5, 1), between(awaitMs, 1, 20));
}

function roomPart({ tiers }: HostMetrics, { tier, capacityBytes, usedBytes }: TierRoom): Part {
  const activity = tiers.find((one) => one.tier === tier);
  if (activity === undefined || capacityBytes === 0) return undefined;
  const { evictedBytes, servedBytes } = activity;
  const full = usedBytes >= 0.9 * capacityBytes;
  if (full && evictedBytes + servedBytes === 0) return undefined;
  return {
    weight: 2,
    points: full ? between(evictedBytes / Math.max(1, servedBytes), 0, 1) : 100,
    measured: `${Math.round((100 * usedBytes) / capacityBytes)} % taken, ${evictedText(evictedBytes, servedBytes)}`,
    recommendation: RECOMMENDATIONS['cache-too-small'],
  };
}

/** A share says nothing where more was evicted than served: then both are told. */
function evictedText(evictedBytes: number, servedBytes: number): string {
  if (evictedBytes === 0) return 'nothing evicted';
  if (evictedBytes > servedBytes) return `${formatBytes(evictedBytes)} evicted, ${formatBytes(servedBytes)} served`;
  return `${Math.round((100 * evictedBytes) / servedBytes)} % of what it served evicted`;
}

function loadsPart({ loads }: HostMetrics, { tier }: TierRoom): Part {
  const ms = loads.find(({ source }) => source === tier)?.ms;
  if (ms === undefined || ms.count === 0) return undefined;
  return {
    weight: 2,
    points: between(Math.log10(Math.max(1, ms.p95)), 2, 4),
    measured: `p95 of ${formatCount(ms.count, 'load')} ${Math.round(ms.p95)} ms`,
    recommendation: RECOMMENDATIONS['io-pressure'],
  };
}
