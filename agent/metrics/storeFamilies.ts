import type { Bottleneck } from '../../lib/hostMetrics/index.ts';
import { type Family, gauge } from '../../lib/shared/metricsText.ts';
import type { StoreMeasures } from '../nvme/measures.ts';

export interface StoreCondition {
  readonly measures: StoreMeasures;
  readonly residents: number;
  readonly activeLeases: number;
  readonly connected: boolean;
  readonly draining: boolean;
  readonly bottlenecks: readonly Bottleneck[];
}

/** Room, copies, and what holds the host up. A volume is named where there are several; `nvme` is all of them together. */
export function storeFamilies(store: StoreCondition): readonly Family[] {
  const { capacityBytes, usedBytes, reservedBytes, volumeFreeBytes, volumes = [] } = store.measures;
  const all = { capacityBytes, usedBytes, reservedBytes, freeBytes: volumeFreeBytes };
  const rows = [
    { labels: { tier: 'nvme', volume: '' }, ...all },
    ...volumes.map(({ name, tier, ...room }) => ({ labels: { tier, volume: name }, ...room })),
  ];
  return [
    gauge(
      'strata_store_capacity_bytes',
      'What the cache may take.',
      rows.map(({ labels, capacityBytes: value }) => ({ labels, value })),
    ),
    gauge(
      'strata_store_used_bytes',
      'What it takes, reservations included.',
      rows.map(({ labels, usedBytes: value }) => ({ labels, value })),
    ),
    gauge(
      'strata_store_reserved_bytes',
      'Of that, for what is being fetched.',
      rows.map(({ labels, reservedBytes: value }) => ({ labels, value })),
    ),
    gauge(
      'strata_store_free_bytes',
      'What the volume has left.',
      rows.map(({ labels, freeBytes: value }) => ({ labels, value })),
    ),
    gauge(
      'strata_store_volume_failed',
      '1 where a volume was let go of.',
      volumes.map(({ name, tier, state }) => ({ labels: { tier, volume: name }, value: state === 'failed' ? 1 : 0 })),
    ),
    gauge('strata_store_blobs', 'Verified blobs.', [{ value: store.residents }]),
    gauge('strata_store_leases', 'Leases that hold some of them.', [{ value: store.activeLeases }]),
    gauge('strata_agent_connected', '1 while the plane is reached.', [{ value: store.connected ? 1 : 0 }]),
    gauge('strata_agent_draining', '1 while the host leaves service.', [{ value: store.draining ? 1 : 0 }]),
    gauge(
      'strata_agent_bottleneck',
      'What holds the host up, by the last minute.',
      store.bottlenecks.map(({ kind, subject = '', severity }) => ({ labels: { kind, subject, severity }, value: 1 })),
    ),
  ];
}
