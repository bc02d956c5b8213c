import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { type Replay, replayTrace } from '../../lib/adapters/files/replayTrace.ts';
import {
  type CacheSize,
  DEFAULT_MISS_WAIT,
  missRatioPlot,
  OBJECTIVES,
  type Objective,
  POLICY_NAMES,
  type PolicySpec,
  parseCacheSize,
  parsePolicySpec,
} from '../../lib/caching/index.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';
import { formatBytes } from '../../lib/shared/units.ts';
import { positive } from '../arguments.ts';
import { asArgument } from '../cacheArguments.ts';
import { writeText } from '../textFiles.ts';

/** The bound decides nothing, so it is no policy; on the command line it is named like one. */
const BOUND = 'pfoo-l';

interface CacheOptions {
  readonly trace: string;
  readonly sizes: readonly CacheSize[];
  readonly policies: Policies;
  readonly objective: Objective;
  readonly missLatency: number;
  readonly bandwidth: number;
  readonly seed: number;
  readonly storeEveryMiss?: true;
  readonly json?: true;
  readonly plot?: string;
}

interface Policies {
  readonly specs: readonly PolicySpec[];
  readonly bound: boolean;
}

/** Adds `strata simulate cache`: replays an access trace against eviction policies. */
export function registerSimulate(program: Command): void {
  const names = [...POLICY_NAMES, BOUND];
  const { latencySeconds, bytesPerSecond } = DEFAULT_MISS_WAIT;
  program
    .command('simulate')
    .description('replay accesses against policies before switching anything on')
    .command('cache')
    .description('miss ratios and waits of eviction policies on a trace of time,id,size[,group]')
    .requiredOption('--trace <file>', 'comma or tab separated, header optional, gzip allowed')
    .addOption(parsedList('--sizes', 'shares of the footprint (up to 1) or bytes', parseSizes, '0.025,0.05,0.1'))
    .addOption(parsedList('--policies', `of ${names.join(', ')}`, parsePolicies, 'lru,gdsf,sieve,pfoo-l'))
    .addOption(new Option('--objective <what>', 'what a miss costs').choices(OBJECTIVES).default('object'))
    .option('--miss-latency <seconds>', 'wait before the first byte of a miss', positive, latencySeconds)
    .option('--bandwidth <bytes/s>', 'at which a miss then arrives', positive, bytesPerSecond)
    .option(
      '--store-every-miss',
      'as a host’s disk has to, from which models are read: what a policy refuses leaves first',
    )
    .option('--seed <n>', 'of the policies that draw', positive, 1)
    .option('--json', 'one JSON object per policy and size')
    .option('--plot <file.svg>', 'write the miss ratio curves')
    .action(simulateCache);
}

/** An option whose help shows what it takes if it is left out, as one would write it. */
function parsedList(name: string, text: string, parse: (list: string) => unknown, otherwise: string): Option {
  return new Option(`${name} <list>`, text).argParser(parse).default(parse(otherwise), otherwise);
}

async function simulateCache(options: CacheOptions): Promise<void> {
  const replay = await replayTrace({
    path: options.trace,
    policies: options.policies.specs,
    bound: options.policies.bound,
    sizes: options.sizes,
    objective: options.objective,
    wait: { latencySeconds: options.missLatency, bytesPerSecond: options.bandwidth },
    seed: options.seed,
    storesEveryMiss: options.storeEveryMiss === true,
    ...(process.stderr.isTTY ? { onProgress: showProgress() } : {}),
  });
  process.stdout.write(options.json === true ? asJson(replay) : asTable(replay));
  if (options.plot !== undefined) await writeText(options.plot, plot(replay, options));
}

function plot(replay: Replay, options: CacheOptions): string {
  const metric = { object: 'objectMissRatio', byte: 'byteMissRatio', wait: 'waitRatio' } as const;
  return missRatioPlot(replay.results, {
    title: `${basename(options.trace)}: ${formatCount(replay.accesses, 'access', 'accesses')}, ${formatCount(replay.objects, 'object')}`,
    metric: metric[options.objective],
    footprintBytes: replay.footprintBytes,
  });
}

/** One line per result, in the order policy, size. */
function asJson(replay: Replay): string {
  return replay.results
    .map((result) => `${JSON.stringify({ schema: 'strata.simulate.cache/v1', ...result })}\n`)
    .join('');
}

function asTable(replay: Replay): string {
  const header = ['policy', 'size', 'object miss', 'byte miss', 'wait', 'wait ratio'];
  const rows = replay.results.map((result) => [
    result.policy,
    result.size <= 1 ? `${Number((100 * result.size).toPrecision(4))} %` : formatBytes(result.size),
    result.objectMissRatio.toFixed(4),
    result.byteMissRatio.toFixed(4),
    `${Math.round(result.waitSeconds)} s`,
    result.waitRatio.toFixed(4),
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return `${[header, ...rows].map(line).join('\n')}\n`;
}

/** Rewrites one line on the terminal, at most once per whole percent. */
function showProgress(): (done: number) => void {
  let shown = -1;
  return (done) => {
    const percent = Math.floor(100 * done);
    if (percent === shown) return;
    shown = percent;
    process.stderr.write(`\rsimulating, ${percent} %${percent === 100 ? '\n' : ''}`);
  };
}

function parseSizes(text: string): readonly CacheSize[] {
  return text.split(',').map((part) => asArgument(() => parseCacheSize(part)));
}

function parsePolicies(text: string): Policies {
  const names = text.split(',');
  const policies = names.filter((name) => name.trim() !== BOUND);
  return {
    specs: policies.map((name) => asArgument(() => parsePolicySpec(name))),
    bound: policies.length < names.length,
  };
}
