import {
  type Quantiles,
  HostMetrics,
  type LoadSource,
  type ModelLoads,
  type TierActivity,
} from '../../events/host-heartbeat/metrics.ts';
import { addInto, createSketch, quantile, type Sketch } from '../../lib/hostMetrics/index.ts';
import { Bytes } from '../../lib/shared/units.ts';
import type { DiskTier } from '../nvme/volumes.ts';
import type { Minute } from './meters.ts';
import type { Sampler } from './sampler.ts';
import { SOURCES, type Tally, TIERS } from './tally.ts';

/** Models that rows name; all others together are one more a source. */
const MODELS_NAMED = 6;
const CODES_NAMED = 12;

/**
 * A minute as heartbeats carry it. `tiers`: those that the host has. Undefined where it would not be as the contract says: what is
 * measured must never keep a heartbeat from being taken.
 */
export function summarize(
  { seconds, tally }: Pick<Minute, 'seconds' | 'tally'>,
  load: ReturnType<Sampler['load']>,
  host: { readonly tiers: ReadonlySet<DiskTier>; readonly bytesPerSecondLimit?: number },
): HostMetrics | undefined {
  const { bytesPerSecondLimit: limit } = host;
  const summary = {
    windowSeconds: seconds,
    ...load,
    tiers: TIERS.filter((tier) => host.tiers.has(tier)).map((tier) => ({ tier, ...tierOf(tally, tier) })),
    asks: { ...tally.asks },
    ensureMs: durationsOf(tally.ensureMs),
    ...(tally.firstByteMs.count === 0 ? {} : { firstByteMs: durationsOf(tally.firstByteMs) }),
    loads: SOURCES.flatMap((source) => loadRow(source, tally.loads[source])),
    models: modelRows(tally),
    transfer: {
      ...tally.transfer,
      ...(tally.fetchBytesPerSecond.count === 0 ? {} : { bytesPerSecond: durationsOf(tally.fetchBytesPerSecond) }),
      retries: [...tally.retries.values()].reduce((sum, count) => sum + count, 0),
      failures: Object.fromEntries([...tally.failures].slice(0, CODES_NAMED)),
      ...(limit === undefined ? {} : { bytesPerSecondLimit: limit }),
    },
  };
  return HostMetrics.safeParse(rounded(summary)).data;
}

function tierOf({ tiers }: Tally, tier: TierActivity['tier']): Omit<TierActivity, 'tier'> {
  const { opens, evictions, movesIn, ...bytes } = tiers[tier];
  const { servedBytes, writtenBytes, evictedBytes, movedInBytes, scrubbedBytes } = bytes;
  return {
    opens,
    servedBytes: Bytes.parse(servedBytes),
    writtenBytes: Bytes.parse(writtenBytes),
    evictions,
    evictedBytes: Bytes.parse(evictedBytes),
    movesIn,
    movedInBytes: Bytes.parse(movedInBytes),
    scrubbedBytes: Bytes.parse(scrubbedBytes),
  };
}

function durationsOf(sketch: Sketch): Quantiles {
  return { count: sketch.count, p50: quantile(sketch, 0.5), p95: quantile(sketch, 0.95) };
}

function loadRow(source: LoadSource, sketch: Sketch | undefined): ModelLoads[] {
  return sketch === undefined || sketch.count === 0 ? [] : [{ source, ms: durationsOf(sketch) }];
}

/** Those whose loads took longest in all come by name; what is left of each source's loads is one row without. */
export function modelRows(tally: Pick<Tally, 'models' | 'loads'>): ModelLoads[] {
  const waitOf = (bySource: Partial<Record<LoadSource, Sketch>>) =>
    SOURCES.reduce((sum, source) => sum + (bySource[source]?.sum ?? 0), 0);
  const byWait = [...tally.models].toSorted(
    ([one, oneLoads], [other, otherLoads]) => waitOf(otherLoads) - waitOf(oneLoads) || (one < other ? -1 : 1),
  );
  const named = byWait.slice(0, MODELS_NAMED);
  const rows: ModelLoads[] = named.flatMap(([model, bySource]) =>
    SOURCES.flatMap((source) => loadRow(source, bySource[source]).map((row) => ({ model, ...row }))),
  );
  const rest = byWait.slice(MODELS_NAMED);
  for (const source of SOURCES) {
    const others = createSketch();
    for (const [, bySource] of rest) {
      const sketch = bySource[source];
      if (sketch !== undefined) addInto(others, sketch);
    }
    rows.push(...loadRow(source, others));
  }
  return rows;
}

/** Four significant digits of what is no count: a heartbeat is no place for the digits of a mean. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toPrecision(4));
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, rounded(member)]));
}
