import type { HostMetrics } from '../../events/host-heartbeat/metrics.ts';
import { formatBytes } from '../shared/units.ts';
import { type BottleneckKind, RECOMMENDATIONS } from './recommendations.ts';
import { formatCount } from '../shared/formatCount.ts';

export interface Bottleneck {
  readonly kind: BottleneckKind;
  /** A volume or a GPU, where there may be several. */
  readonly subject?: string;
  readonly severity: 'degraded' | 'failing';
  /** What was measured and from where on it counts. */
  readonly measured: string;
  readonly recommendation: string;
}

/** What the host's cache could take and takes, as its heartbeats say. */
export interface HostRoom {
  readonly capacityBytes: number;
  readonly usedBytes: number;
}

/** From where on something is a bottleneck. docs/metrics.md says where each comes from. */
export const THRESHOLDS = {
  cpuBusy: 0.9,
  cpuStolen: 0.1,
  memoryAvailable: 0.1,
  memoryPressure: 0.1,
  ioPressure: 0.5,
  /** Both: a device that serves many requests at once may be busy all the time and wait for nothing. */
  disk: { busy: 0.9, awaitMs: 10 },
  network: 0.9,
  networkErrorsPerSecond: 1,
  bandwidth: 0.9,
  gpuCelsius: 85,
  cache: { leastAsks: 10, hitRate: 0.8, full: 0.9 },
  fetches: { leastFailures: 3, share: 0.1, failingShare: 0.5, retriesPerFetch: 10 },
  asks: { leastFailures: 3, share: 0.05, failingShare: 0.5 },
} as const;

/** What holds a host up, each with what to do about it; the worst first. */
export function findBottlenecks(metrics: HostMetrics, room: HostRoom): readonly Bottleneck[] {
  const found = [
    ...askBottlenecks(metrics, room),
    ...fetchBottlenecks(metrics),
    ...diskBottlenecks(metrics),
    ...networkBottlenecks(metrics),
    ...machineBottlenecks(metrics),
    ...gpuBottlenecks(metrics),
  ];
  return found.toSorted((one, other) => rank(one) - rank(other));
}

const rank = ({ severity }: Bottleneck) => (severity === 'failing' ? 0 : 1);
const percent = (share: number) => `${Math.round(share * 100)} %`;
const rate = (bytesPerSecond: number) => `${formatBytes(Math.round(bytesPerSecond))}/s`;

function* askBottlenecks({ asks, tiers, ensureMs }: HostMetrics, room: HostRoom): Generator<Bottleneck> {
  const { asks: limit, cache } = THRESHOLDS;
  const answered = asks.hits + asks.misses;
  const failed = asks.failures / Math.max(1, answered + asks.failures);
  if (asks.failures >= limit.leastFailures && failed >= limit.share) {
    yield {
      kind: 'asks-fail',
      severity: failed >= limit.failingShare ? 'failing' : 'degraded',
      measured: `${percent(failed)} of the asks failed (from ${percent(limit.share)})`,
      recommendation: RECOMMENDATIONS['asks-fail'],
    };
  }
  const hitRate = asks.hits / Math.max(1, answered);
  const full = room.usedBytes / Math.max(1, room.capacityBytes);
  const evictions = tiers.reduce((sum, tier) => sum + tier.evictions, 0);
  const small = hitRate < cache.hitRate && full >= cache.full && evictions > 0;
  if (answered >= cache.leastAsks && small) {
    yield {
      kind: 'cache-too-small',
      severity: 'degraded',
      measured: `hit rate ${percent(hitRate)} (below ${percent(cache.hitRate)}) with ${percent(full)} of the cache taken and ${evictions} evictions; p95 of an ask ${Math.round(ensureMs.p95)} ms`,
      recommendation: RECOMMENDATIONS['cache-too-small'],
    };
  }
}

const FETCH_ADVICE: Readonly<Record<string, string>> = {
  denied: 'The host may not read the origin: check the role of hosts and the key policy of the bucket.',
  'origin-unavailable': 'The origin does not answer: check the route to it, its endpoint and its limits.',
  'origin-absent': 'What is published is missing at the origin: see `strata doctor`.',
  'origin-archived': 'It must be restored first: promise its readers a wait by `strata sla set`.',
  'wrong-bytes':
    'Bytes do not fit their digests: something between the origin and this host changes them; see the agent’s log.',
  'no-room': 'Give the cache more room, end leases, or unpin models.',
  'disk-error': 'A volume fails: see `strata doctor --store` and the kernel’s log.',
  draining: 'The host is leaving service: send its processes elsewhere.',
};

function* fetchBottlenecks({ transfer, windowSeconds }: HostMetrics): Generator<Bottleneck> {
  const { fetches: limit } = THRESHOLDS;
  const failures = Object.entries(transfer.failures).toSorted(([, one], [, other]) => other - one);
  const failed = failures.reduce((sum, [, count]) => sum + count, 0);
  const share = failed / Math.max(1, failed + transfer.fetches);
  const [code = ''] = failures[0] ?? [];
  if (failed >= limit.leastFailures && share >= limit.share) {
    yield {
      kind: 'fetches-fail',
      subject: code,
      severity: share >= limit.failingShare ? 'failing' : 'degraded',
      measured: `${percent(share)} of the fetches failed (from ${percent(limit.share)}), most as ${code}`,
      recommendation: FETCH_ADVICE[code] ?? RECOMMENDATIONS['fetches-fail'],
    };
  }
  if (transfer.retries >= limit.retriesPerFetch * Math.max(1, transfer.fetches)) {
    yield {
      kind: 'fetches-retried',
      severity: 'degraded',
      measured: `${formatCount(transfer.retries, 'retry', 'retries')} of ${formatCount(transfer.fetches, 'fetch', 'fetches')} (from ${limit.retriesPerFetch} each)`,
      recommendation: RECOMMENDATIONS['fetches-retried'],
    };
  }
  const limitBytes = transfer.bytesPerSecondLimit;
  const bytesPerSecond = transfer.fetchedBytes / windowSeconds;
  if (limitBytes !== undefined && bytesPerSecond >= THRESHOLDS.bandwidth * limitBytes) {
    yield {
      kind: 'bandwidth-limited',
      severity: 'degraded',
      measured: `fetches bring ${rate(bytesPerSecond)} of the ${rate(limitBytes)} that are allowed (from ${percent(THRESHOLDS.bandwidth)})`,
      recommendation: RECOMMENDATIONS['bandwidth-limited'],
    };
  }
}

function* diskBottlenecks({ disks = [] }: HostMetrics): Generator<Bottleneck> {
  const { busy, awaitMs } = THRESHOLDS.disk;
  for (const disk of disks) {
    if (disk.busy < busy || (disk.awaitMs ?? 0) < awaitMs) continue;
    yield {
      kind: 'disk-saturated',
      subject: disk.volume,
      severity: 'degraded',
      measured: `busy ${percent(disk.busy)} of the time, ${(disk.awaitMs ?? 0).toFixed(1)} ms a request, ${disk.queued.toFixed(1)} in flight (from ${percent(busy)} and ${awaitMs} ms)`,
      recommendation: RECOMMENDATIONS['disk-saturated'],
    };
  }
}

function* networkBottlenecks({ network, windowSeconds }: HostMetrics): Generator<Bottleneck> {
  if (network === undefined) return;
  const { receivedBytesPerSecond: received, sentBytesPerSecond: sent, bytesPerSecondLimit: limit } = network;
  if (limit !== undefined && Math.max(received, sent) >= THRESHOLDS.network * limit) {
    yield {
      kind: 'network-at-its-limit',
      severity: 'degraded',
      measured: `${rate(received)} in and ${rate(sent)} out of ${rate(limit)} (from ${percent(THRESHOLDS.network)})`,
      recommendation: RECOMMENDATIONS['network-at-its-limit'],
    };
  }
  const errors = network.errors / windowSeconds;
  if (errors >= THRESHOLDS.networkErrorsPerSecond) {
    yield {
      kind: 'network-errors',
      severity: 'degraded',
      measured: `${errors.toFixed(1)} errors a second (from ${THRESHOLDS.networkErrorsPerSecond})`,
      recommendation: RECOMMENDATIONS['network-errors'],
    };
  }
}

function* machineBottlenecks({ cpu, memory, pressure }: HostMetrics): Generator<Bottleneck> {
  if (cpu !== undefined && cpu.busy >= THRESHOLDS.cpuBusy) {
    yield {
      kind: 'cpu-busy',
      severity: 'degraded',
      measured: `${percent(cpu.busy)} of ${formatCount(cpu.processors, 'processor')} (from ${percent(THRESHOLDS.cpuBusy)})`,
      recommendation: RECOMMENDATIONS['cpu-busy'],
    };
  }
  if (cpu !== undefined && cpu.stolen >= THRESHOLDS.cpuStolen) {
    yield {
      kind: 'cpu-stolen',
      severity: 'degraded',
      measured: `${percent(cpu.stolen)} of the time went to other machines (from ${percent(THRESHOLDS.cpuStolen)})`,
      recommendation: RECOMMENDATIONS['cpu-stolen'],
    };
  }
  if (memory !== undefined && memory.availableBytes < THRESHOLDS.memoryAvailable * memoryLimit(memory)) {
    yield {
      kind: 'memory-short',
      severity: 'degraded',
      measured: `${formatBytes(memory.availableBytes)} of ${formatBytes(memoryLimit(memory))} are available (below ${percent(THRESHOLDS.memoryAvailable)})`,
      recommendation: RECOMMENDATIONS['memory-short'],
    };
  }
  if (pressure?.memory !== undefined && pressure.memory >= THRESHOLDS.memoryPressure) {
    yield {
      kind: 'memory-pressure',
      severity: 'degraded',
      measured: `tasks waited for memory ${percent(pressure.memory)} of the time (from ${percent(THRESHOLDS.memoryPressure)})`,
      recommendation: RECOMMENDATIONS['memory-pressure'],
    };
  }
  if (pressure?.io !== undefined && pressure.io >= THRESHOLDS.ioPressure) {
    yield {
      kind: 'io-pressure',
      severity: 'degraded',
      measured: `tasks waited for a disk ${percent(pressure.io)} of the time (from ${percent(THRESHOLDS.ioPressure)})`,
      recommendation: RECOMMENDATIONS['io-pressure'],
    };
  }
}

function memoryLimit({ totalBytes, limitBytes }: NonNullable<HostMetrics['memory']>): number {
  return limitBytes ?? totalBytes;
}

function* gpuBottlenecks({ gpus = [] }: HostMetrics): Generator<Bottleneck> {
  for (const { index, celsius } of gpus) {
    if (celsius === undefined || celsius < THRESHOLDS.gpuCelsius) continue;
    yield {
      kind: 'gpu-hot',
      subject: String(index),
      severity: 'degraded',
      measured: `${celsius} °C (from ${THRESHOLDS.gpuCelsius} °C)`,
      recommendation: RECOMMENDATIONS['gpu-hot'],
    };
  }
}
