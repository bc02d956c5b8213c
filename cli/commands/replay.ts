import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readLines } from '../../lib/adapters/files/lineFile.ts';
import { parsePolicySpec, POLICY_NAMES, type PolicySpec } from '../../lib/caching/index.ts';
import {
  type AccessRecord,
  billUsd,
  compileRates,
  cumulativeCostPlot,
  Histories,
  isPolicyName,
  LogReader,
  POLICIES,
  type PolicyName,
  replay,
  replayOptimum,
  type ReplayResult,
  type ReplaySetup,
} from '../../lib/placement/index.ts';
import { combinePriceBooks, parsePriceBook, type PriceBook, shippedPriceBook } from '../../lib/pricing/index.ts';
import { DAY_MS, formatBytes, formatUsd, HOUR_MS, parseSize, SECOND_MS, Usd } from '../../lib/shared/units.ts';
import { asArgument } from '../cacheArguments.ts';
import { readJson } from '../jsonFile.ts';
import { type CacheTally, HostCaches, ObjectSizes } from '../replay/hostCaches.ts';

const CLASSES = ['STANDARD', 'INTELLIGENT_TIERING', 'STANDARD_IA', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'];
const NAMES = Object.keys(POLICIES).filter(isPolicyName);

interface ReplayOptions {
  readonly log: readonly string[];
  readonly policies: readonly PolicyName[];
  readonly prices?: string;
  readonly gpuHour: number;
  readonly tolerance: number;
  readonly bytes?: number;
  readonly hostCache?: number;
  readonly cachePolicies: readonly PolicySpec[];
  readonly optimum: boolean;
  readonly json?: true;
  readonly plot?: string;
}

/** What reaches the store, behind caches of one policy or behind none. */
interface Stream {
  readonly caches?: { readonly policy: string; readonly hosts: HostCaches };
  readonly histories: Histories;
}

interface Outcome extends ReplayResult {
  readonly policy: PolicyName;
  readonly cachePolicy?: string;
  readonly tally: CacheTally;
  readonly missWaitUsd: number;
  readonly optimumUsd: number | undefined;
}

/** Adds `strata replay`: what storage policies would have cost on your own access logs. */
export function registerReplay(program: Command): void {
  program
    .command('replay')
    .description('what storage policies would have cost on an access log, before any is switched on')
    .requiredOption(
      '--log <file...>',
      'S3 server access logs, CloudTrail data events, or CSV/JSONL of time,object,bytes,op,region,host; gzip allowed',
    )
    .option('--policies <list>', `of ${NAMES.join(', ')}`, parsePolicies, NAMES)
    .option(
      '--host-cache <size>',
      'what each host of the log keeps on its disk, such as 500GB: only misses reach the store',
      size,
    )
    .option(
      '--cache-policies <list>',
      `how hosts choose what to keep: of ${POLICY_NAMES.join(', ')}`,
      parseCachePolicies,
      parseCachePolicies('strata,lru'),
    )
    .option('--prices <file>', 'a price book that answers before the shipped ones')
    .addOption(
      new Option('--gpu-hour <usd>', 'what an hour of the GPU costs that waits for a restore or a miss')
        .argParser(notNegative)
        .default(0),
    )
    .option('--tolerance <hours>', 'how long a reader may wait; 0 keeps archive classes out', notNegative, 0)
    .option('--bytes <n>', 'size of objects whose size the log does not tell', notNegative)
    .option('--no-optimum', 'leave the offline optimum out')
    .option('--json', 'one JSON object per policy')
    .option('--plot <file.svg>', 'write the cumulative cost of each policy')
    .action(replayLogs);
}

async function replayLogs(options: ReplayOptions): Promise<void> {
  const setup: ReplaySetup = {
    rates: compileRates(await priceBook(options.prices)),
    classes: CLASSES,
    stepMs: DAY_MS,
    waiting: { toleranceMs: options.tolerance * HOUR_MS, usdPerMs: options.gpuHour / HOUR_MS },
  };
  const streams = await readStreams(options);
  const outcomes = streams.flatMap((stream) => outcomesOf(stream, options, setup));
  progress('');
  if (options.plot !== undefined) {
    const curves = outcomes.map((one) => ({ name: nameOf(one), ...one }));
    await writeFile(
      options.plot,
      cumulativeCostPlot(`Cumulative cost, ${streams[0]?.histories.count ?? 0} objects`, curves, DAY_MS),
    );
  }
  process.stdout.write(options.json === true ? asJson(outcomes) : asTable(outcomes));
}

function outcomesOf({ caches, histories }: Stream, options: ReplayOptions, setup: ReplaySetup): readonly Outcome[] {
  const objects = histories.objects(options.bytes);
  if (options.optimum) progress('computing the offline optimum');
  const optimumUsd = options.optimum ? replayOptimum(objects, setup) : undefined;
  return options.policies.map((policy, index) => {
    progress(`replaying ${policy}, ${index + 1} of ${options.policies.length}`);
    const played = replay(objects, POLICIES[policy], setup);
    const tally = caches?.hosts.tally() ?? { hostReads: played.bill.reads, misses: played.bill.reads, missWaitMs: 0 };
    const usdByStep = played.usdByStep.map(
      (usd, step) => usd + (caches?.hosts.missWaitMsOf(played.firstStep + step) ?? 0) * setup.waiting.usdPerMs,
    );
    const cachePolicy = caches === undefined ? {} : { cachePolicy: caches.policy };
    return {
      ...played,
      usdByStep,
      policy,
      ...cachePolicy,
      tally,
      optimumUsd,
      missWaitUsd: tally.missWaitMs * setup.waiting.usdPerMs,
    };
  });
}

/** Reads the logs once; twice with caches, which must know how many objects there are, and how large. */
async function readStreams(options: ReplayOptions): Promise<readonly Stream[]> {
  const { hostCache: capacityBytes, bytes: defaultBytes = 0 } = options;
  const plain = { histories: new Histories(DAY_MS) };
  if (capacityBytes === undefined) {
    await readLogs(options.log, (record) => plain.histories.add(record));
    return [plain];
  }
  const sizes = new ObjectSizes();
  await readLogs(options.log, (record) => sizes.add(record), 'counting');
  const streams = options.cachePolicies.map((policy) => ({
    caches: { policy: policy.name, hosts: new HostCaches(sizes, { policy, capacityBytes, defaultBytes }) },
    histories: new Histories(DAY_MS),
  }));
  await readLogs(options.log, (record) => {
    for (const { caches, histories } of streams) {
      if (caches.hosts.reachesStore(record, Math.floor(record.at / DAY_MS))) histories.add(record);
      else histories.see(record.at);
    }
  });
  return streams;
}

async function readLogs(
  paths: readonly string[],
  add: (record: AccessRecord) => void,
  pass: 'counting' | 'playing' = 'playing',
): Promise<void> {
  let lines = 0;
  for (const path of paths) {
    const reader = new LogReader();
    const began = Date.now();
    const show = (done: number, total: number): void => {
      const perMs = done / Math.max(1, Date.now() - began);
      const left = Math.ceil((total - done) / Math.max(perMs, 1e-9) / SECOND_MS);
      progress(
        `${path}: ${formatBytes(done)} / ${formatBytes(total)}, ${Math.floor((100 * done) / total)} %, ${formatBytes(Math.round(perMs * SECOND_MS))}/s, ETA ${left}s`,
      );
    };
    for await (const some of readLines(path, show)) {
      for (const line of some) for (const record of reader.read(line)) add(record);
      lines += some.length;
    }
    if (reader.badLines > 0 && pass === 'playing') {
      process.stderr.write(`${path}: ${reader.badLines} lines were not understood and are left out\n`);
    }
  }
  progress('');
  if (pass === 'playing') process.stderr.write(`${lines} lines\n`);
}

async function priceBook(path: string | undefined): Promise<PriceBook> {
  const shipped = shippedPriceBook();
  if (path === undefined) return shipped;
  return combinePriceBooks(parsePriceBook(await readJson(path)), ...shipped.books);
}

function nameOf({ policy, cachePolicy }: Outcome): string {
  return cachePolicy === undefined ? policy : `${cachePolicy} + ${policy}`;
}

function totalUsd({ bill, missWaitUsd }: Outcome): number {
  return billUsd(bill) + missWaitUsd;
}

function asJson(outcomes: readonly Outcome[]): string {
  return outcomes
    .map((outcome) => {
      const { policy, cachePolicy, bill, tally, optimumUsd, missWaitUsd } = outcome;
      const { waitMs, gpuWaitingUsd, ...counts } = bill;
      const ratio =
        optimumUsd === undefined || optimumUsd === 0 ? {} : { optimumUsd, ratioToOptimum: billUsd(bill) / optimumUsd };
      const record = {
        schema: 'strata.replay/v1',
        policy,
        cachePolicy,
        usd: totalUsd(outcome),
        ...ratio,
        ...counts,
        gpuWaitingUsd: gpuWaitingUsd + missWaitUsd,
        hostReads: tally.hostReads,
        misses: tally.misses,
        gpuSecondsWaited: (waitMs + tally.missWaitMs) / SECOND_MS,
      };
      return `${JSON.stringify(record)}\n`;
    })
    .join('');
}

function asTable(outcomes: readonly Outcome[]): string {
  const dollars = (usd: number): string => formatUsd(Usd.parse(usd));
  const header = [
    'policy',
    'total',
    '× optimum',
    'storage',
    'requests',
    'retrieval',
    'early del.',
    'GPU wait',
    'waited',
    'reads',
    'misses',
    'restores',
    'moves',
  ];
  const rows = outcomes.map((outcome) => {
    const { bill, tally, optimumUsd, missWaitUsd } = outcome;
    return [
      nameOf(outcome),
      dollars(totalUsd(outcome)),
      optimumUsd === undefined || optimumUsd === 0 ? '–' : (billUsd(bill) / optimumUsd).toFixed(4),
      dollars(bill.storageUsd),
      dollars(bill.requestUsd),
      dollars(bill.retrievalUsd),
      dollars(bill.earlyDeletionUsd),
      dollars(bill.gpuWaitingUsd + missWaitUsd),
      `${Math.round((bill.waitMs + tally.missWaitMs) / SECOND_MS)} s`,
      String(tally.hostReads),
      String(tally.misses),
      String(bill.restores),
      String(bill.moves),
    ];
  });
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return `${[header, ...rows].map(line).join('\n')}\n`;
}

/** Rewrites one line of the terminal; says nothing where there is none. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

function parsePolicies(text: string): readonly PolicyName[] {
  return text.split(',').map((part) => {
    const name = part.trim();
    if (!isPolicyName(name)) throw new InvalidArgumentError(`${name} is not one of ${NAMES.join(', ')}.`);
    return name;
  });
}

function parseCachePolicies(text: string): readonly PolicySpec[] {
  return text.split(',').map((name) => {
    const spec = asArgument(() => parsePolicySpec(name));
    if (spec.offline)
      throw new InvalidArgumentError(`${spec.name} knows the future: it is for \`strata simulate cache\`.`);
    return spec;
  });
}

function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes < 1) throw new InvalidArgumentError('must be a size, such as 500GB.');
  return bytes;
}

function notNegative(text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0) || !Number.isFinite(value))
    throw new InvalidArgumentError('must be a number, zero or more.');
  return value;
}
