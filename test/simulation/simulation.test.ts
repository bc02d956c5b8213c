import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { mutants } from './mutants.ts';
import { mutatedSource } from './mutation.ts';
import { neverReached } from './reached.ts';
import { runSeed } from './world.ts';

/** Most of what `npm test` computes. */
const SEEDS = 2_000;
const MINUTES_MS = 60_000;

interface Summary {
  readonly seeds: number;
  readonly failures: readonly string[];
  readonly deliveries: { readonly fewest: number };
  readonly messages: { readonly fewest: number };
  readonly counters: Readonly<Record<string, number>>;
}

/**
 * Most of what a seed makes is garbage with its end. Counting bytes outside the heap against a heap that is large from the start spares a full
 * collection in each seed, about a tenth of its time; one process takes up to 1 GB then.
 */
const NODE_ARGS = [
  '--max-semi-space-size=32',
  '--initial-heap-size=400',
  '--external-memory-accounted-in-global-limit',
];

/** A process for each core. */
async function simulate(first: number, seeds: number, signal: AbortSignal): Promise<Summary> {
  const main = new URL('./main.ts', import.meta.url).pathname;
  const args = [...NODE_ARGS, main, '--first', String(first), '--seeds', String(seeds), '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], signal });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return JSON.parse(output) as Summary;
}

describe('the simulated system', { concurrent: true }, () => {
  it(`keeps its promises in ${SEEDS} seeds, and reaches every fault, reason and state edge`, {
    timeout: 30 * MINUTES_MS,
  }, async ({ signal }) => {
    const share = Math.ceil(SEEDS / availableParallelism());
    const firsts = Array.from({ length: Math.ceil(SEEDS / share) }, (_, index) => 1 + index * share);
    const parts = await Promise.all(firsts.map((first) => simulate(first, Math.min(share, SEEDS + 1 - first), signal)));
    expect(parts.flatMap(({ failures }) => failures)).toEqual([]);
    expect(parts.reduce((sum, { seeds }) => sum + seeds, 0)).toBe(SEEDS);
    expect(Math.min(...parts.map(({ deliveries }) => deliveries.fewest))).toBeGreaterThanOrEqual(300);
    expect(Math.min(...parts.map(({ messages }) => messages.fewest))).toBeGreaterThanOrEqual(150);
    const reached = new Set(parts.flatMap(({ counters }) => Object.keys(counters)));
    expect(neverReached(reached)).toEqual([]);
  });

  it('takes the same steps twice', { timeout: 30 * MINUTES_MS }, async () => {
    for (const seed of [3, 4, 5, 20]) {
      const { steps, traceHash } = await runSeed(seed);
      expect(await runSeed(seed)).toMatchObject({ steps, traceHash });
    }
  });

  it.each(mutants)('still has the place that the mutant $id edits', (mutant) => {
    const url = new URL(`../../${mutant.file}`, import.meta.url).href;
    expect(mutatedSource(mutant, url)).toContain(mutant.replace);
  });
});
