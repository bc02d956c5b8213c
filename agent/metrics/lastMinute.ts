import type { HostMetrics } from '../../events/host-heartbeat/metrics.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { Store } from '../nvme/store.ts';
import type { Meters } from './meters.ts';
import type { Sampler } from './sampler.ts';
import { summarize } from './summary.ts';

export interface MeasuredMinute {
  readonly number: number;
  readonly metrics: HostMetrics;
}

interface MinuteDeps {
  readonly store: Pick<Store, 'tiers'>;
  readonly meters: Meters;
  readonly sampler: Sampler;
  readonly telemetry: Telemetry;
}

/** The last whole minute, summed up once. */
export function createLastMinute(
  { store, meters, sampler, telemetry }: MinuteDeps,
  limits: { readonly bytesPerSecondLimit?: number },
): () => MeasuredMinute | undefined {
  let summed: MeasuredMinute | undefined;
  return () => {
    const minute = meters.lastMinute();
    if (minute === undefined || minute.number === summed?.number) return summed;
    const metrics = summarize(minute, sampler.load(minute.seconds), { ...limits, tiers: store.tiers() });
    if (metrics === undefined) telemetry.warn('metrics-out-of-bounds', { minute: minute.number });
    summed = metrics === undefined ? undefined : { number: minute.number, metrics };
    return summed;
  };
}
