import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readLines } from '../../lib/adapters/files/lineFile.ts';
import {
  billUsd,
  compileRates,
  POLICIES,
  replay,
  replayOptimum,
  type ReplayObject,
  type ReplaySetup,
} from '../../lib/placement/index.ts';
import { gpuPrice, shippedPriceBook } from '../../lib/pricing/index.ts';
import { DAY_MS, formatUsd, Usd } from '../../lib/shared/units.ts';
import { runKnownCases, runWaitingCase } from './knownCases.ts';
import { parseMonthlyReads, spreadOverDays } from './monthlyReads.ts';

const USAGE = `usage: npm run bench -- tiering --data FILE [--scale 1,30,300] [--bytes N] [--seed N] [--json]
  FILE  monthly downloads (model,<month>,…) or a serving trace (seq,ts,…,base,loras,…), gzip allowed`;

/** Instant classes only: these models are served, so no reader waits for a restore. */
const INSTANT = ['STANDARD', 'INTELLIGENT_TIERING', 'STANDARD_IA', 'GLACIER_IR'];

/** Dollars of storage classes per policy against the offline optimum; see docs/placement.md for what the numbers mean. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      scale: { type: 'string', default: '1,30,300' },
      bytes: { type: 'string', default: '500000000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.data === undefined || !existsSync(values.data)) {
    console.error(
      `SKIPPED tiering: ${values.data === undefined ? 'no --data' : `${values.data} is missing`}\n${USAGE}`,
    );
    return;
  }
  const lines: string[] = [];
  for await (const some of readLines(values.data)) lines.push(...some.filter((line) => line !== ''));
  const setup = tieringSetup();
  const data = parseMonthlyReads(lines);
  for (const scale of values.scale.split(',').map(Number)) {
    report(scale, spreadOverDays(data, scale, Number(values.bytes), Number(values.seed)), setup, values.json);
  }
  if (!values.json) reportKnown(setup);
}

function tieringSetup(): ReplaySetup {
  const rates = compileRates(shippedPriceBook());
  return { rates, classes: INSTANT, stepMs: DAY_MS, waiting: { toleranceMs: 0, usdPerMs: 0 } };
}

function report(scale: number, objects: readonly ReplayObject[], setup: ReplaySetup, json: boolean): void {
  const optimum = replayOptimum(objects, setup);
  if (!json)
    console.log(`\nscale ${scale}: ${objects.length} models, offline optimum ${formatUsd(Usd.parse(optimum))}`);
  for (const [policy, factory] of Object.entries(POLICIES)) {
    const { bill } = replay(objects, factory, setup);
    const usd = billUsd(bill);
    const ratioToOptimum = usd / optimum;
    if (json) {
      console.log(JSON.stringify({ schema: 'strata.bench.tiering/v1', policy, scale, usd, ratioToOptimum, ...bill }));
    } else {
      const numbers = `${formatUsd(Usd.parse(usd)).padStart(12)}  ${ratioToOptimum.toFixed(4).padStart(10)} × optimum`;
      console.log(`  ${policy.padEnd(20)} ${numbers}  ${String(bill.moves).padStart(6)} moves`);
    }
  }
}

function reportKnown(setup: ReplaySetup): void {
  const tolerant = { ...setup, classes: [...INSTANT, 'GLACIER', 'DEEP_ARCHIVE'] };
  console.log('\nwhere something is known (3 years, strata-dollars against intelligent-tiering)');
  for (const result of runKnownCases(tolerant)) {
    const [ours, theirs] = [result.usd, result.intelligentTieringUsd].map((usd) => formatUsd(Usd.parse(usd)));
    console.log(
      `  ${ours} against ${theirs} (${(result.usd / result.intelligentTieringUsd).toFixed(3)}): ${result.case}`,
    );
  }
  const gpuUsd = gpuPrice(setup.rates.prices, 'H100').price.usdPerHour;
  for (const { gpuUsdPerHour, usd, waitedHours } of runWaitingCase(tolerant, gpuUsd)) {
    console.log(
      `  40 GB read every 300 days, 12 h tolerated, a GPU at ${formatUsd(Usd.parse(gpuUsdPerHour))}/h waiting: ` +
        `${formatUsd(Usd.parse(usd))}, ${waitedHours} h waited`,
    );
  }
}
