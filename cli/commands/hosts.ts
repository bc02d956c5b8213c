import type { Command } from 'commander';
import type { HostMetrics, LoadSource } from '../../events/host-heartbeat/metrics.ts';
import type { VolumeReport } from '../../events/host-heartbeat/v1.ts';
import type { OperationOutput, Operations } from '../../lib/operations/index.ts';
import type { HostId } from '../../lib/shared/ids.ts';
import { formatBytes, formatUsd, Usd } from '../../lib/shared/units.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { CliError } from '../errors.ts';
import { hostFailureOf, hostFailuresText, lastOfEach } from '../hostFailures.ts';
import { unlessOlder } from '../olderPlane.ts';
import { ago, note, print } from '../output.ts';
import { planePrices, ratesOfBooks } from '../prices/books.ts';
import { loadRows, printMinute } from './hostMinute.ts';
import { type HostStanding, printStanding, scoreText, standingOf } from './hostStanding.ts';

type ListedHost = OperationOutput<'listHosts'>['items'][number];
type MeasuredHost = OperationOutput<'showHostMetrics'>['items'][number];

interface HostsOptions extends PlaneOptions {
  readonly metrics?: boolean;
}

/** As many hosts' metrics as one call takes. */
const AT_ONCE = 100;

/** Adds `hosts`: what is registered, its room, and with `--metrics` or for one host its last minute, dollars and score. */
export function registerHosts(program: Command): void {
  withPlane(program.command('hosts').description('registered hosts with their room, or their last minute'))
    .argument('[host]', 'only this one, with its last minute')
    .option('--metrics', 'the last minute of each: load, hit rate, load times, dollars, score, bottlenecks')
    .action(runHosts);
}

async function runHosts(name: string | undefined, options: HostsOptions): Promise<void> {
  const { operations } = await connect(options);
  const all = (await operations.listHosts({})).items;
  const items = name === undefined ? all : all.filter(({ id }) => id === name);
  if (name !== undefined && items.length === 0) {
    const message = `No host ${name} is registered. \`strata hosts\` lists all.`;
    throw new CliError({ code: 'unknown-host', message, retryable: false });
  }
  if (options.metrics === true) return showMinutes(operations, items, options);
  const [host] = items;
  if (name === undefined || host === undefined || options.quiet === true) return printHosts(items, options);
  const [measured] = await metricsOf(operations, [host.id]);
  const standing = standingOf(host, measured, ratesOfBooks(await planePrices(operations)));
  const commands = (await unlessOlder(operations.listHostActions({ host: host.id })))?.items;
  const lastCommands = commands && lastOfEach(commands).map((one) => ({ ...one, hint: hostFailureOf(one)?.hint }));
  const shown = { ...host, ...standing, ...(lastCommands === undefined ? {} : { lastCommands }) };
  printHosts([shown], options);
  if (options.json === true) return;
  const failures = hostFailuresText(commands ?? []);
  if (failures !== '') note(failures.trimEnd());
  if (commands === undefined)
    note('This plane is of an older release: it cannot tell which commands its host has not done.');
  if (measured === undefined) note(`${name} has told of no minute in the last hour.`);
  else printMinute(measured, options);
  printStanding(standing, options);
}

async function showMinutes(operations: Operations, hosts: readonly ListedHost[], options: HostsOptions): Promise<void> {
  const rates = ratesOfBooks(await planePrices(operations));
  const listed = new Map(hosts.map((host) => [host.id, host]));
  const measured = await metricsOf(operations, [...listed.keys()]);
  const items = measured.flatMap((one) => {
    const host = listed.get(one.host);
    return host === undefined ? [] : [{ ...one, ...standingOf(host, one, rates) }];
  });
  printMetrics(items, options);
}

async function metricsOf(operations: Operations, ids: readonly HostId[]): Promise<readonly MeasuredHost[]> {
  const found: MeasuredHost[] = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    found.push(...(await operations.showHostMetrics({ hosts: ids.slice(from, from + AT_ONCE) })).items);
  }
  return found;
}

function printHosts(items: readonly ListedHost[], options: HostsOptions): void {
  print(options, {
    schema: 'strata.host/v1',
    items,
    id: ({ id }) => id,
    columns: [
      ['HOST', ({ id }) => id],
      ['STATE', ({ state, drainAsked }) => (state === 'silent' && drainAsked ? 'silent, to drain' : state)],
      ['GENERATION', ({ generation }) => String(generation), 'spare'],
      ['USED', ({ usedBytes }) => formatBytes(usedBytes)],
      ['RESERVED', ({ reservedBytes }) => formatBytes(reservedBytes), 'spare'],
      ['CAPACITY', ({ capacityBytes }) => formatBytes(capacityBytes)],
      ['VOLUMES', ({ volumes = [] }) => volumesText(volumes), 'text'],
      ['HEARTBEAT', ({ heartbeatAt }) => ago(heartbeatAt)],
      ['SUBSCRIPTIONS', ({ subscriptions }) => subscriptions.join(', '), 'spare'],
    ],
    empty: 'No host is registered. Make a join token: strata token create HOST',
  });
}

/** Failed ones first: what is shortened is shortened at its end. */
function volumesText(volumes: readonly VolumeReport[]): string {
  const failed = ({ state }: VolumeReport) => (state === 'failed' ? 0 : 1);
  return volumes
    .toSorted((one, other) => failed(one) - failed(other))
    .map(volumeText)
    .join(', ');
}

function volumeText({ name, tier, state, usedBytes, capacityBytes }: VolumeReport): string {
  const filling = state === 'failed' ? 'FAILED' : `${formatBytes(usedBytes)} of ${formatBytes(capacityBytes)}`;
  return `${name} (${tier}) ${filling}`;
}

function printMetrics(items: readonly (MeasuredHost & HostStanding)[], options: HostsOptions): void {
  const p95 = (metrics: HostMetrics, source: LoadSource) =>
    loadRows(metrics.loads).find((row) => row.source === source)?.p95 ?? '';
  print(options, {
    schema: 'strata.host-metrics/v1',
    items,
    id: ({ host }) => host,
    columns: [
      ['HOST', ({ host }) => host],
      ['MEASURED', ({ receivedAt }) => ago(receivedAt), 'spare'],
      ['CPU', ({ metrics }) => percent(metrics.cpu?.busy)],
      ['DISK', ({ metrics }) => percent(most(metrics.disks?.map(({ busy }) => busy))), 'spare'],
      ['GPU', ({ metrics }) => percent(most(metrics.gpus?.map(({ busy }) => busy)))],
      ['ASKS', ({ metrics: { asks } }) => String(asks.hits + asks.misses + asks.failures)],
      ['HIT RATE', ({ metrics }) => hitRate(metrics)],
      ['NVME P95', ({ metrics }) => p95(metrics, 'nvme')],
      ['SSD P95', ({ metrics }) => p95(metrics, 'ssd'), 'spare'],
      ['ORIGIN P95', ({ metrics }) => p95(metrics, 'origin'), 'spare'],
      [
        'FETCHED',
        ({ metrics }) => `${formatBytes(Math.round(metrics.transfer.fetchedBytes / metrics.windowSeconds))}/s`,
        'spare',
      ],
      ['A MONTH', ({ tierCosts }) => formatUsd(Usd.parse(sumOf(tierCosts))), 'spare'],
      ['SCORE', scoreText],
      ['BOTTLENECKS', ({ bottlenecks }) => bottlenecks.map(({ kind }) => kind).join(', '), 'text'],
    ],
    empty:
      'No host has told of a minute in the last hour: their agents may be older than that, or younger than a minute.',
  });
}

function sumOf(costs: HostStanding['tierCosts']): number {
  return costs.reduce((sum, { capacityUsdPerMonth }) => sum + capacityUsdPerMonth, 0);
}

function most(shares: readonly (number | undefined)[] = []): number | undefined {
  const known = shares.filter((share) => share !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${Math.round(100 * share)} %`;
}

function hitRate({ asks: { hits, misses } }: HostMetrics): string {
  return hits + misses === 0 ? '' : percent(hits / (hits + misses));
}
