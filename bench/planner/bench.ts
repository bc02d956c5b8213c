import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../lib/caching/structures/seededRandom.ts';
import {
  compileRates,
  DOLLARS,
  decideTier,
  dollarClass,
  type Rates,
  type TierFacts,
} from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { Digest, StorageClass } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs, Usd } from '../../lib/shared/units.ts';

const NOW = EpochMs.parse(Date.UTC(2026, 10, 20));

/** Planning so many objects, each in a process of its own, is compared. */
const MEMORY_OF = [10_000, 1_000_000];

/**
 * Decisions of the dollar policy per second on one core, and the memory of planning as many objects as asked for. `--only-plan` plans once and
 * prints the peak of its process.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      objects: { type: 'string', default: '10000000' },
      'only-plan': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const rates = compileRates(shippedPriceBook());
  if (values['only-plan']) {
    plan(Number(values.objects), 3, rates);
    console.log(peakRssMiB().toFixed(1));
    return;
  }
  plan(200_000, 1, rates);
  const small = plan(10_000, 2, rates);
  const large = plan(Number(values.objects), 3, rates);
  const explained = explain(100_000, rates);
  const result = {
    schema: 'strata.bench.planner/v1',
    objects: large.objects,
    decisionsPerSecond: Math.round(large.objects / large.seconds),
    decisionsWithReasonsPerSecond: Math.round(explained),
    moves: large.moves,
    heldBack: large.heldBack,
    peakRssMiB: Math.round(peakRssMiB()),
    heapGrowthMiB: Number((large.heapMiB - small.heapMiB).toFixed(1)),
    peakRssMiBOf: MEMORY_OF.map((objects) => ({ objects, peakRssMiB: peakOf(objects) })),
  };
  if (values.json) console.log(JSON.stringify(result));
  else {
    console.log(
      `${result.objects} objects planned in ${large.seconds.toFixed(1)} s on one core: ${result.decisionsPerSecond} decisions/s`,
    );
    console.log(
      `${result.decisionsWithReasonsPerSecond} decisions/s with reasons and the dollars of every alternative`,
    );
    console.log(`${result.moves} would move, ${result.heldBack} are held back by the allowance`);
    console.log(`peak ${result.peakRssMiB} MiB, heap ${result.heapGrowthMiB} MiB above that of 10000 objects`);
    const peaks = result.peakRssMiBOf.map(({ objects, peakRssMiB: peak }) => `${objects} objects ${peak} MiB`);
    console.log(`peak of a process that only plans: ${peaks.join(', ')}`);
  }
}

const peakRssMiB = (): number => process.resourceUsage().maxRSS / 1024;

function peakOf(objects: number): number {
  const main = join(import.meta.dirname, '../main.ts');
  const args = [main, 'planner', '--objects', String(objects), '--only-plan'];
  return Number(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout);
}

interface Planned {
  readonly objects: number;
  readonly seconds: number;
  readonly moves: number;
  readonly heldBack: number;
  readonly heapMiB: number;
}

/** Objects are made one at a time and forgotten, as a sweep reads them from an inventory. */
function plan(objects: number, seed: number, rates: Rates): Planned {
  const random = new SeededRandom(seed);
  let moves = 0;
  let heldBack = 0;
  const start = performance.now();
  for (let index = 0; index < objects; index += 1) {
    const chosen = dollarClass(someFacts(random), DOLLARS, rates, NOW);
    if (chosen === 'allowance-spent') heldBack += 1;
    else if (chosen !== 'no-cheaper-class') moves += 1;
  }
  const seconds = (performance.now() - start) / 1000;
  return { objects, seconds, moves, heldBack, heapMiB: process.memoryUsage().heapUsed / 2 ** 20 };
}

function explain(objects: number, rates: Rates): number {
  const random = new SeededRandom(4);
  const start = performance.now();
  let actions = 0;
  for (let index = 0; index < objects; index += 1) {
    actions += decideTier(someFacts(random), DOLLARS, rates, NOW).alternatives.length;
  }
  return actions / StorageClass.options.length / ((performance.now() - start) / 1000);
}

const DIGEST = Digest.parse('0'.repeat(64));
const CLASSES = ['STANDARD', 'INTELLIGENT_TIERING', 'INTELLIGENT_TIERING', 'STANDARD_IA', 'GLACIER_IR'] as const;

/** Sizes over five orders of magnitude, ages up to three years, reads that die out with age. */
function someFacts(random: SeededRandom): TierFacts {
  const ageDays = random.integer(1100);
  const readsPerDay = 10 ** (-3 + 3 * random.fraction()) * 0.5 ** (ageDays / 200);
  const idleDays = Math.min(ageDays, -Math.log(1 - random.fraction()) / readsPerDay);
  const createdAt = EpochMs.parse(NOW - ageDays * DAY_MS);
  return {
    digest: DIGEST,
    bytes: Bytes.parse(Math.floor(10 ** (5 + 5 * random.fraction()))),
    storageClass: CLASSES[random.integer(CLASSES.length)] ?? 'STANDARD',
    createdAt,
    transitionedAt: createdAt,
    lastAccessAt: EpochMs.parse(NOW - Math.floor(idleDays) * DAY_MS),
    accessesLast30Days: idleDays > 30 ? 0 : Math.ceil(readsPerDay * 30),
    slackUsd: random.fraction() < 0.1 ? SLACK : NO_SLACK,
  };
}

const SLACK = Usd.parse(0.1);
const NO_SLACK = Usd.parse(0);
