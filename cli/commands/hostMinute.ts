import type { DiskLoad, GpuLoad, HostMetrics, LoadSource, ModelLoads } from '../../events/host-heartbeat/metrics.ts';
import type { OperationOutput } from '../../lib/operations/index.ts';
import { formatBytes } from '../../lib/shared/units.ts';
import { ago, type Listing, note, type OutputOptions, print } from '../output.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';

type MeasuredHost = OperationOutput<'showHostMetrics'>['items'][number];

/** The last minute of one host for people: its load, its tiers, its loads of models, and what held it up. */
export function printMinute({ metrics, receivedAt, bottlenecks }: MeasuredHost, options: OutputOptions): void {
  note('');
  note(`Its last minute (${Math.round(metrics.windowSeconds)} s, told ${ago(receivedAt)}):`);
  show(options, figures(metrics), [
    ['FIGURE', ([name]) => name],
    ['VALUE', ([, text]) => text],
  ]);
  if (metrics.disks !== undefined) showDisks(options, metrics.disks);
  if (metrics.gpus !== undefined) showGpus(options, metrics.gpus);
  show(options, metrics.tiers, [
    ['TIER', ({ tier }) => tier],
    ['OPENS', ({ opens }) => String(opens)],
    ['SERVED', ({ servedBytes }) => formatBytes(servedBytes)],
    ['WRITTEN', ({ writtenBytes }) => formatBytes(writtenBytes)],
    ['EVICTED', ({ evictions, evictedBytes }) => `${evictions}, ${formatBytes(evictedBytes)}`],
    ['MOVED HERE', ({ movesIn, movedInBytes }) => `${movesIn}, ${formatBytes(movedInBytes)}`, 'spare'],
    ['SCRUBBED', ({ scrubbedBytes }) => formatBytes(scrubbedBytes), 'spare'],
  ]);
  const loads = loadRows([...metrics.loads.map((row) => ({ ...row, all: true })), ...metrics.models]);
  show(options, loads, [
    ['MODEL', ({ model }) => model],
    ['FROM', ({ source }) => source],
    ['LOADS', ({ count }) => count],
    ['P50', ({ p50 }) => p50],
    ['P95', ({ p95 }) => p95],
  ]);
  show(options, bottlenecks, [
    ['BOTTLENECK', ({ kind, subject }) => (subject === undefined ? kind : `${kind} (${subject})`)],
    ['MEASURED', ({ measured }) => measured],
    ['WHAT TO DO', ({ recommendation }) => recommendation],
  ]);
  if (bottlenecks.length === 0) note('Nothing held it up.');
}

function figures(metrics: HostMetrics): readonly (readonly [name: string, text: string])[] {
  const { asks, cpu, ensureMs, firstByteMs, memory, network, pressure, transfer, windowSeconds } = metrics;
  const answered = asks.hits + asks.misses;
  const speed = transfer.bytesPerSecond;
  const failures = Object.entries(transfer.failures).map(([code, count]) => `${count} ${code}`);
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['asks', `${answered + asks.failures}, ${asks.failures} failed`],
    ['hit rate', answered === 0 ? undefined : percent(asks.hits / answered)],
    ['an ask takes', ensureMs.count === 0 ? undefined : `p50 ${time(ensureMs.p50)}, p95 ${time(ensureMs.p95)}`],
    [
      'fetched',
      `${formatBytes(transfer.fetchedBytes)} in ${formatCount(transfer.fetches, 'fetch', 'fetches')}, ${rate(transfer.fetchedBytes / windowSeconds)}`,
    ],
    ['a fetch brings', speed && `p50 ${rate(speed.p50)}, p95 ${rate(speed.p95)}`],
    ['first byte', firstByteMs && `p50 ${time(firstByteMs.p50)}, p95 ${time(firstByteMs.p95)}`],
    ['retries, failures', [`${transfer.retries}`, ...failures].join(', ')],
    [
      'processors',
      cpu && `${percent(cpu.busy)} of ${cpu.processors}, iowait ${percent(cpu.iowait)}, stolen ${percent(cpu.stolen)}`,
    ],
    [
      'memory available',
      memory && `${formatBytes(memory.availableBytes)} of ${formatBytes(memory.limitBytes ?? memory.totalBytes)}`,
    ],
    ['network', network && `${rate(network.receivedBytesPerSecond)} in, ${rate(network.sentBytesPerSecond)} out`],
    [
      'tasks waited for',
      pressure &&
        `processors ${percent(pressure.cpu ?? 0)}, disks ${percent(pressure.io ?? 0)}, memory ${percent(pressure.memory ?? 0)} of the time`,
    ],
  ];
  return rows.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
}

function showDisks(options: OutputOptions, disks: readonly DiskLoad[]): void {
  show(options, disks, [
    ['VOLUME', ({ volume }) => volume],
    ['READS', (disk) => `${rate(disk.readBytesPerSecond)}, ${Math.round(disk.readsPerSecond)}/s`],
    ['WRITES', (disk) => `${rate(disk.writtenBytesPerSecond)}, ${Math.round(disk.writesPerSecond)}/s`],
    ['BUSY', ({ busy }) => percent(busy)],
    ['A REQUEST TAKES', ({ awaitMs }) => (awaitMs === undefined ? '' : time(awaitMs))],
    ['IN FLIGHT', ({ queued }) => queued.toFixed(1), 'spare'],
  ]);
}

function showGpus(options: OutputOptions, gpus: readonly GpuLoad[]): void {
  show(options, gpus, [
    ['GPU', ({ index, name }) => `${index} ${name}`],
    ['BUSY', ({ busy }) => (busy === undefined ? '' : percent(busy))],
    [
      'MEMORY',
      ({ memoryUsedBytes: used, memoryTotalBytes: total }) =>
        [used, total].flatMap((one) => (one === undefined ? [] : [formatBytes(one)])).join(' of '),
    ],
    ['HEAT', ({ celsius }) => (celsius === undefined ? '' : `${celsius} °C`)],
    ['POWER', ({ watts }) => (watts === undefined ? '' : `${Math.round(watts)} W`)],
  ]);
}

interface LoadRow {
  readonly model: string;
  readonly source: LoadSource;
  readonly count: string;
  readonly p50: string;
  readonly p95: string;
}

/** `all`: of every model together; without a name, of those that are not named. */
export function loadRows(rows: readonly (ModelLoads & { readonly all?: boolean })[]): readonly LoadRow[] {
  return rows.map(({ model, source, ms, all }) => ({
    model: all === true ? '(all)' : (model ?? '(others)'),
    source,
    count: String(ms.count),
    p50: time(ms.p50),
    p95: time(ms.p95),
  }));
}

function show<Item extends object>(
  options: OutputOptions,
  items: readonly Item[],
  columns: Listing<Item>['columns'],
): void {
  if (items.length === 0) return;
  note('');
  print(options, { schema: 'strata.host-metrics/v1', items, id: () => '', columns });
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function rate(bytesPerSecond: number): string {
  return `${formatBytes(Math.round(bytesPerSecond))}/s`;
}

function time(ms: number): string {
  return ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
