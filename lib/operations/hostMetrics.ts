import * as z from 'zod/mini';
import { HOST_METRICS_KEPT_MS, HostMetricsRow, HostMetricsValue, HostRow } from '../catalog/index.ts';
import { findBottlenecks } from '../hostMetrics/index.ts';
import { HostId } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';

const HostBottleneckView = z.object({
  kind: z.string(),
  subject: z.optional(z.string()),
  severity: z.enum(['degraded', 'failing']),
  measured: z.string(),
  recommendation: z.string(),
});

/** The last minute that a host told of, and what held it up in it. */
export const HostMetricsView = z.object({
  host: HostId,
  measuredAt: HostMetricsValue.shape.measuredAt,
  receivedAt: HostMetricsValue.shape.receivedAt,
  metrics: HostMetricsValue.shape.metrics,
  bottlenecks: z.array(HostBottleneckView),
});
export type HostMetricsView = z.infer<typeof HostMetricsView>;

/** Of those hosts that have told of a minute in the last hour. */
export async function showHostMetrics(
  catalog: CatalogStore,
  hosts: readonly HostId[],
  now: EpochMs,
): Promise<HostMetricsView[]> {
  const found = await Promise.all(
    hosts.map(async (id) => {
      const [row, host] = await Promise.all([HostMetricsRow.get(catalog, id), HostRow.get(catalog, id)]);
      if (row === undefined || host === undefined || row.value.generation !== host.value.generation) return [];
      const { measuredAt, receivedAt, metrics } = row.value;
      if (now - receivedAt >= HOST_METRICS_KEPT_MS) return [];
      return [{ host: id, measuredAt, receivedAt, metrics, bottlenecks: [...findBottlenecks(metrics, host.value)] }];
    }),
  );
  return found.flat();
}
