import * as z from 'zod/mini';
import { HostMetrics } from '../../../events/host-heartbeat/metrics.ts';
import { Generation, HostId } from '../../shared/ids.ts';
import { EpochMs, MINUTE_MS } from '../../shared/units.ts';
import { defineRow } from '../rowType.ts';

/** Older ones say nothing about a host any more. */
export const HOST_METRICS_KEPT_MS = 60 * MINUTE_MS;

/**
 * The last minute that a host told of. A row of its own, in no index: the host's row is written by every heartbeat, and these
 * kilobytes would be written with it, and with its place in the index, each time.
 */
export const HostMetricsValue = z.strictObject({
  host: HostId,
  generation: Generation,
  /** By the host's clock and by the plane's. */
  measuredAt: EpochMs,
  receivedAt: EpochMs,
  metrics: HostMetrics,
});
export type HostMetricsValue = z.infer<typeof HostMetricsValue>;

export const HostMetricsRow = defineRow({
  name: 'host metrics',
  schemaVersion: 1,
  schema: HostMetricsValue,
  key: (id: HostId) => ({ partition: `HOST#${id}`, sort: 'METRICS' }),
  keyOf: (value): [HostId] => [value.host],
  expiresAt: (value) => EpochMs.parse(value.receivedAt + HOST_METRICS_KEPT_MS),
});
