import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readLines } from '../../lib/adapters/files/lineFile.ts';
import {
  billUsd,
  compileRates,
  cumulativeCostPlot,
  Histories,
  isPolicyName,
  LogReader,
  POLICIES,
  type PolicyName,
  replay,
  type ReplayObject,
  replayOptimum,
  type ReplayResult,
  type ReplaySetup,
} from '../../lib/placement/index.ts';
import { combinePriceBooks, parsePriceBook, type PriceBook, shippedPriceBook } from '../../lib/pricing/index.ts';
import { DAY_MS, formatBytes, formatUsd, HOUR_MS, SECOND_MS, Usd } from '../../lib/shared/units.ts';
import { readJson } from '../jsonFile.ts';

const CLASSES = ['STANDARD', 'INTELLIGENT_TIERING', 'STANDARD_IA', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'];
const NAMES = Object.keys(POLICIES).filter(isPolicyName);

interface ReplayOptions {
  readonly log: readonly string[];
  readonly policies: readonly PolicyName[];
  readonly prices?: string;
  readonly gpuHour: number;
  readonly tolerance: number;
  readonly bytes?: number;
  readonly optimum: boolean;
  readonly json?: true;
  readonly plot?: string;
}

interface Outcome extends ReplayResult {
  readonly policy: PolicyName;
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
    .option('--prices <file>', 'a price book that answers before the shipped ones')
    .addOption(
      new Option('--gpu-hour <usd>', 'what an hour of the GPU costs that waits for a restore')
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
  const objects = await readHistories(options);
  const setup: ReplaySetup = {
    rates: compileRates(await priceBook(options.prices)),
    classes: CLASSES,
    stepMs: DAY_MS,
    waiting: { toleranceMs: options.tolerance * HOUR_MS, usdPerMs: options.gpuHour / HOUR_MS },
  };
  const outcomes = options.policies.map((policy, index) => {
    progress(`replaying ${policy}, ${index + 1} of ${options.policies.length}`);
    return { policy, ...replay(objects, POLICIES[policy], setup) };
  });
  if (options.optimum) progress('computing the offline optimum');
  const optimumUsd = options.optimum ? replayOptimum(objects, setup) : undefined;
  progress('');
  if (options.plot !== undefined) {
    const curves = outcomes.map((one) => ({ name: one.policy, ...one }));
    await writeFile(options.plot, cumulativeCostPlot(`Cumulative cost, ${objects.length} objects`, curves, DAY_MS));
  }
  process.stdout.write(options.json === true ? asJson(outcomes, optimumUsd) : asTable(outcomes, optimumUsd));
}

async function readHistories(options: ReplayOptions): Promise<ReplayObject[]> {
  const histories = new Histories(DAY_MS);
  let lines = 0;
  for (const path of options.log) {
    const reader = new LogReader();
    const show = (done: number, total: number): void =>
      progress(`${path}: ${formatBytes(done)} / ${formatBytes(total)}, ${Math.floor((100 * done) / total)} %`);
    for await (const some of readLines(path, show)) {
      for (const line of some) for (const record of reader.read(line)) histories.add(record);
      lines += some.length;
    }
    if (reader.badLines > 0) {
      process.stderr.write(`${path}: ${reader.badLines} lines were not understood and are left out\n`);
    }
  }
  const objects = histories.objects(options.bytes);
  progress('');
  process.stderr.write(`${lines} lines, ${objects.length} objects\n`);
  return objects;
}

async function priceBook(path: string | undefined): Promise<PriceBook> {
  const shipped = shippedPriceBook();
  if (path === undefined) return shipped;
  return combinePriceBooks(parsePriceBook(await readJson(path)), ...shipped.books);
}

function asJson(outcomes: readonly Outcome[], optimumUsd: number | undefined): string {
  return outcomes
    .map(({ policy, bill }) => {
      const { waitMs, ...counts } = bill;
      const usd = billUsd(bill);
      const ratio = optimumUsd === undefined ? {} : { optimumUsd, ratioToOptimum: usd / optimumUsd };
      const record = {
        schema: 'strata.replay/v1',
        policy,
        usd,
        ...ratio,
        ...counts,
        gpuSecondsWaited: waitMs / SECOND_MS,
      };
      return `${JSON.stringify(record)}\n`;
    })
    .join('');
}

function asTable(outcomes: readonly Outcome[], optimumUsd: number | undefined): string {
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
    'restores',
    'moves',
  ];
  const rows = outcomes.map(({ policy, bill }) => [
    policy,
    dollars(billUsd(bill)),
    optimumUsd === undefined ? '–' : (billUsd(bill) / optimumUsd).toFixed(4),
    dollars(bill.storageUsd),
    dollars(bill.requestUsd),
    dollars(bill.retrievalUsd),
    dollars(bill.earlyDeletionUsd),
    dollars(bill.gpuWaitingUsd),
    `${Math.round(bill.waitMs / SECOND_MS)} s`,
    String(bill.restores),
    String(bill.moves),
  ]);
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

function notNegative(text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0)) throw new InvalidArgumentError('must be a number, zero or more.');
  return value;
}
