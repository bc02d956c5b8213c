import { quantile, type Sketch } from '../../lib/hostMetrics/index.ts';
import { counter, type Family, gauge, type Point, summary } from '../../lib/shared/metricsText.ts';
import { modelRows } from './summary.ts';
import { SOURCES, type Tally, TIERS, type TierTally } from './tally.ts';

/** What the agent did: counts since its start, quantiles of the last ten minutes. */
export function agentFamilies(
  totals: Tally,
  recent: Tally,
  bytesPerSecondLimit: number | undefined,
): readonly Family[] {
  const answered = recent.asks.hits + recent.asks.misses;
  const models = modelRows(recent);
  return [
    counter('strata_agent_asks', 'Asks of processes for models, by how they ended.', [
      { labels: { outcome: 'hit' }, value: totals.asks.hits },
      { labels: { outcome: 'miss' }, value: totals.asks.misses },
      { labels: { outcome: 'failure' }, value: totals.asks.failures },
    ]),
    gauge(
      'strata_agent_hit_ratio',
      'Share of the answered asks of the last ten minutes that were hits.',
      answered === 0 ? [] : [{ value: recent.asks.hits / answered }],
    ),
    summary(
      'strata_agent_ask_seconds',
      'From an ask to its lease, waits included.',
      quantiles(recent.ensureMs, totals.ensureMs, {}, 1e-3),
    ),
    summary(
      'strata_agent_load_seconds',
      'From the first ask for a model until all of its files are at hand, by where they were.',
      SOURCES.flatMap((source) => quantiles(recent.loads[source], totals.loads[source], { source }, 1e-3)),
    ),
    gauge(
      'strata_agent_model_load_seconds',
      'The same of the last ten minutes for the models that were loaded for longest; the rest is model="".',
      models.flatMap(({ model = '', source, ms }) => [
        { labels: { model, source, quantile: '0.5' }, value: ms.p50 / 1000 },
        { labels: { model, source, quantile: '0.95' }, value: ms.p95 / 1000 },
      ]),
    ),
    gauge(
      'strata_agent_model_loads',
      'How often these models were loaded in the last ten minutes.',
      models.map(({ model = '', source, ms }) => ({ labels: { model, source }, value: ms.count })),
    ),
    ...TIER_FAMILIES.map(([name, help, member]) =>
      counter(
        name,
        help,
        TIERS.map((tier) => ({ labels: { tier }, value: totals.tiers[tier][member] })),
      ),
    ),
    counter('strata_agent_fetches', 'Blobs fetched from the origin.', [{ value: totals.transfer.fetches }]),
    counter('strata_agent_fetched_bytes', 'Bytes of the origin that were verified on the disk.', [
      { value: totals.transfer.fetchedBytes },
    ]),
    counter('strata_agent_fetch_failures', 'Fetches that failed, by code.', counts(totals.failures, 'code')),
    counter(
      'strata_agent_fetch_retries',
      'Tries that failed and were followed by another.',
      counts(totals.retries, 'kind'),
    ),
    summary(
      'strata_agent_fetch_bytes_per_second',
      'Speed of each fetch by itself.',
      quantiles(recent.fetchBytesPerSecond, totals.fetchBytesPerSecond, {}, 1),
    ),
    summary(
      'strata_agent_first_byte_seconds',
      'From the order of a range to its first byte.',
      quantiles(recent.firstByteMs, totals.firstByteMs, {}, 1e-3),
    ),
    gauge(
      'strata_agent_fetch_limit_bytes_per_second',
      'STRATA_BANDWIDTH, where it is set.',
      bytesPerSecondLimit === undefined ? [] : [{ value: bytesPerSecondLimit }],
    ),
  ];
}

const TIER_FAMILIES: readonly (readonly [name: string, help: string, member: keyof TierTally])[] = [
  ['strata_agent_opens', 'Files that processes were given.', 'opens'],
  ['strata_agent_served_bytes', 'Bytes of the files that processes were given.', 'servedBytes'],
  ['strata_agent_written_bytes', 'Bytes that fetches and moves wrote.', 'writtenBytes'],
  ['strata_agent_evictions', 'Blobs that were evicted.', 'evictions'],
  ['strata_agent_evicted_bytes', 'Their bytes.', 'evictedBytes'],
  ['strata_agent_moves', 'Blobs that were moved to this tier from another.', 'movesIn'],
  ['strata_agent_moved_bytes', 'Their bytes.', 'movedInBytes'],
  ['strata_agent_scrubbed_bytes', 'Bytes that were hashed again in the background.', 'scrubbedBytes'],
];

function quantiles(recent: Sketch, total: Sketch, labels: Readonly<Record<string, string>>, factor: number): Point[] {
  const ends: Point[] = [
    { labels, suffix: '_sum', value: total.sum * factor },
    { labels, suffix: '_count', value: total.count },
  ];
  if (recent.count === 0) return ends;
  const points = [0.5, 0.95].map((q) => ({
    labels: { ...labels, quantile: String(q) },
    value: quantile(recent, q) * factor,
  }));
  return [...points, ...ends];
}

function counts(byName: ReadonlyMap<string, number>, label: string): Point[] {
  return [...byName].map(([name, value]) => ({ labels: { [label]: name }, value }));
}
