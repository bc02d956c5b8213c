import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
import { ratiosBySeed } from './bySeed.ts';
import { ratioInterval } from './interval.ts';
import { runKnownCases, runWaitingCase } from './knownCases.ts';
import { parseMonthlyReads, spreadOverDays } from './monthlyReads.ts';
import { onOtherHalf } from './otherHalf.ts';
import { parseSizes, parseUses } from './servingTrace.ts';
import { type ObjectiveResult, wholeObjective } from './wholeObjective.ts';

const USAGE = `usage: npm run bench -- tiering --data FILE [--scale 1,30,300] [--bytes N] [--seed N] [--resamples N] [--json]
       npm run bench -- tiering --data FILE --sizes FILE [--gpu H100] [--json]
  the first FILE has monthly downloads (model,<month>,…), the second a serving trace (seq,ts,…,base,loras,…); gzip allowed`;

/** Of the spreadings of which the resamples are drawn. */
const SEEDS = [1, 2, 3, 4, 5];

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
      resamples: { type: 'string', default: '100' },
      sizes: { type: 'string' },
      gpu: { type: 'string', default: 'H100' },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.data === undefined || !existsSync(values.data)) {
    console.error(
      `SKIPPED tiering: ${values.data === undefined ? 'no --data' : `${values.data} is missing`}\n${USAGE}`,
    );
    return;
  }
  const lines = await linesOf(values.data);
  if (lines[0]?.includes('loras') === true) {
    const sizes = values.sizes ?? join(dirname(values.data), 'genai_assumed_sizes_dev.csv');
    const uses = parseUses(lines, parseSizes(existsSync(sizes) ? await linesOf(sizes) : []));
    reportObjective(wholeObjective(uses, tieringSetup().rates, values.gpu), values.json);
    return;
  }
  const setup = tieringSetup();
  const data = parseMonthlyReads(lines);
  const scales = values.scale.split(',').map(Number);
  const spread = (scale: number, seed: number) => spreadOverDays(data, scale, Number(values.bytes), seed);
  const spreads = scales.map((scale) => spread(scale, Number(values.seed)));
  scales.forEach((scale, index) => {
    report(scale, spreads[index] ?? [], setup, values.json);
    if (values.json) return;
    const resampled = SEEDS.map((seed) => spread(scale, seed));
    reportSeeds(resampled, setup);
    reportInterval(resampled, setup, Number(values.resamples));
  });
  if (values.json) return;
  reportOtherHalf(scales, spreads, setup);
  reportKnown(setup);
}

async function linesOf(path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const some of readLines(path)) lines.push(...some.filter((line) => line !== ''));
  return lines;
}

function reportObjective(results: readonly ObjectiveResult[], json: boolean): void {
  if (!json) console.log('policy: total = GPU waiting + host tiers + object store, misses, × offline bound');
  for (const result of results) {
    if (json) {
      console.log(JSON.stringify({ schema: 'strata.bench.objective/v1', ...result }));
      continue;
    }
    const [usd, waiting, host, store] = [result.usd, result.gpuWaitingUsd, result.hostUsd, result.objectStoreUsd].map(
      (amount) => formatUsd(Usd.parse(amount)),
    );
    console.log(
      `  ${result.policy}: ${usd} = ${waiting} + ${host} + ${store}, ${result.misses}, ${result.ratioToBound.toFixed(3)}`,
    );
  }
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

function reportSeeds(spreads: readonly (readonly ReplayObject[])[], setup: ReplaySetup): void {
  const copies = { plane: "the plane's copies", lifecycle: 'S3 transitions and write-backs' };
  for (const mechanics of ['plane', 'lifecycle'] as const) {
    const ratios = ratiosBySeed(spreads, setup, mechanics).map((ratio) => ratio.toFixed(4));
    console.log(
      `  strata-dollars ÷ intelligent-tiering, seeds ${SEEDS.join(', ')}: ${ratios.join(', ')} by ${copies[mechanics]}`,
    );
  }
}

function reportInterval(spreads: readonly (readonly ReplayObject[])[], setup: ReplaySetup, resamples: number): void {
  if (resamples === 0) return;
  const { high, low, median } = ratioInterval(spreads, setup, resamples);
  const [from, middle, to] = [low, median, high].map((ratio) => ratio.toFixed(4));
  console.log(`  strata-dollars ÷ intelligent-tiering: ${middle}, 90 % of ${resamples} resamples in ${from} to ${to}`);
}

function reportOtherHalf(
  scales: readonly number[],
  spreads: readonly (readonly ReplayObject[])[],
  setup: ReplaySetup,
): void {
  console.log(`\nstrata-dollars ÷ intelligent-tiering at scale ${scales.join(', ')}`);
  const listed = (ratios: readonly number[]): string => ratios.map((ratio) => ratio.toFixed(4)).join(', ');
  for (const { chosenOn, prior, ratios, shipped } of onOtherHalf(spreads, setup)) {
    const days = `${prior.exposureMs / DAY_MS} days, half-life ${prior.halfLifeMs / DAY_MS} days`;
    console.log(
      `  prior chosen on the ${chosenOn} models (${prior.shape} reads in ${days}), measured on the others: ` +
        `${listed(ratios)}; the one that ships: ${listed(shipped)}`,
    );
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
  for (const { gpuUsdPerHour, intelligentTieringUsd, usd, waitedHours } of runWaitingCase(tolerant, gpuUsd)) {
    const [gpu, ours, theirs] = [gpuUsdPerHour, usd, intelligentTieringUsd].map((one) => formatUsd(Usd.parse(one)));
    console.log(
      `  ${ours} against ${theirs} (${(usd / intelligentTieringUsd).toFixed(3)}): ` +
        `40 GB read every 300 days, 12 h tolerated, a GPU at ${gpu}/h waiting; ${waitedHours} h waited`,
    );
  }
}
