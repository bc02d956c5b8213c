import type { HostHeartbeat } from '../../events/host-heartbeat/v1.ts';
import type { HostMetrics } from '../../events/host-heartbeat/metrics.ts';
import { expectationOf, type Host, HostMetricsRow } from '../catalog/index.ts';
import { findBottlenecks } from '../hostMetrics/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';

interface MetricsDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Keeps the newest minute of a host and adds it to the metrics of the fleet. Nothing is decided by it: a write that loses a race is
 * let go, because the other one was a heartbeat too.
 */
export async function keepMetrics(
  { catalog, clock, telemetry }: MetricsDeps,
  host: Host,
  { at, metrics, volumes = [] }: HostHeartbeat,
): Promise<void> {
  if (metrics === undefined) return;
  const known = await HostMetricsRow.get(catalog, host.id);
  const isNewer = known === undefined || known.value.generation < host.generation || known.value.measuredAt < at;
  if (!isNewer) return;
  const value = { host: host.id, generation: host.generation, measuredAt: at, receivedAt: clock.now(), metrics };
  await catalog.transact([HostMetricsRow.put(value, expectationOf(known))]);
  tellFleet(telemetry, metrics, new Map(volumes.map(({ name, tier }) => [name, tier])));
  const bottlenecks = findBottlenecks(metrics, host);
  if (bottlenecks.some(({ severity }) => severity === 'failing')) telemetry.metric('HostsFailing', 'Count', 1);
  for (const { kind, subject, severity, measured } of bottlenecks) {
    telemetry.metric('HostBottlenecks', 'Count', 1, { kind });
    telemetry.warn('host-bottleneck', { host: host.id, kind, subject, severity, measured });
  }
}

/** Of all hosts together: a dimension that names the host would be a metric to pay for each. */
function tellFleet(telemetry: Telemetry, metrics: HostMetrics, tiers: ReadonlyMap<string, 'nvme' | 'ssd'>): void {
  const count = (name: string, value: number, dimensions: Record<string, string>) => {
    if (value > 0) telemetry.metric(name, 'Count', value, dimensions);
  };
  const share = (name: string, value: number | undefined, dimensions: Record<string, string> = {}) => {
    if (value !== undefined) telemetry.metric(name, 'Percent', 100 * value, dimensions);
  };
  const { asks, cpu, disks = [], gpus = [], loads, memory, transfer } = metrics;
  count('HostAsks', asks.hits, { outcome: 'hit' });
  count('HostAsks', asks.misses, { outcome: 'miss' });
  count('HostAsks', asks.failures, { outcome: 'failure' });
  for (const { tier, servedBytes, evictedBytes } of metrics.tiers) {
    if (servedBytes > 0) telemetry.metric('HostServedBytes', 'Bytes', servedBytes, { tier });
    if (evictedBytes > 0) telemetry.metric('HostEvictedBytes', 'Bytes', evictedBytes, { tier });
  }
  for (const { source, ms } of loads) telemetry.metric('HostLoadP95', 'Milliseconds', ms.p95, { source });
  if (transfer.fetchedBytes > 0) telemetry.metric('HostFetchedBytes', 'Bytes', transfer.fetchedBytes);
  for (const tier of ['nvme', 'ssd'] as const) {
    const busy = disks.filter(({ volume }) => (tiers.get(volume) ?? 'nvme') === tier).map((disk) => disk.busy);
    share('HostDiskBusy', busy.length === 0 ? undefined : Math.max(...busy), { tier });
  }
  share('HostCpuBusy', cpu?.busy);
  const limit = memory?.limitBytes ?? memory?.totalBytes;
  share('HostMemoryTaken', memory && limit && Math.max(0, 1 - memory.availableBytes / limit));
  const busyGpus = gpus.flatMap(({ busy }) => (busy === undefined ? [] : [busy]));
  share(
    'HostGpuBusy',
    busyGpus.length === 0 ? undefined : busyGpus.reduce((sum, busy) => sum + busy, 0) / busyGpus.length,
  );
}
