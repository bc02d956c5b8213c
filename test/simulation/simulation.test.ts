import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { FAULT_KINDS } from './faults.ts';
import { mutants } from './mutants.ts';
import { mutatedSource } from './mutation.ts';
import { runSeed } from './world.ts';

/** A few minutes on two cores. */
const SEEDS = 2_000;
const MINUTES_MS = 60_000;

interface Summary {
  readonly seeds: number;
  readonly failures: readonly string[];
  readonly fewest: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** A process for each core. */
async function simulate(first: number, seeds: number): Promise<Summary> {
  const main = new URL('./main.ts', import.meta.url).pathname;
  const args = [main, '--first', String(first), '--seeds', String(seeds), '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return JSON.parse(output) as Summary;
}

/** Edges and reasons that a run must be able to reach; what is never reached is never checked. */
const REACHED = [
  'upload: new→observed',
  'upload: observed→digesting',
  'upload: observed→quarantined',
  'upload: observed→cancelled',
  'upload: digesting→ready',
  'upload: digesting→quarantined',
  'upload: digesting→cancelled',
  'quarantine: bad-key',
  'quarantine: hop-limit',
  'quarantine: immutable-version',
  'quarantine: invalid-format',
  'quarantine: malicious',
  'quarantine: unscannable',
  'version published',
  'replica: new→reserved',
  'replica: new→verified',
  'replica: reserved→verified',
  'replica: reserved→gone',
  'replica: verified→evicting',
  'replica: verified→unknown',
  'replica: verified→gone',
  'replica: unknown→verified',
  'replica: evicting→gone',
  'origin: STANDARD→STANDARD_IA',
  'origin: STANDARD→GLACIER',
  'origin: GLACIER→INTELLIGENT_TIERING',
  'restore: restored→gone',
  'decided restore: expired-before-its-copy',
  'archive: in-use',
  'version deleted',
  'blob purged',
  'tombstone: deleted→gone',
  'tombstone: purging→purged',
  'deletions: version-held',
  'host: active→silent',
  'host: silent→active',
  'action prefetch: pending→done',
  'action prefetch: pending→failed',
  'action prefetch: pending→expired',
  'action prefetch: pending→superseded',
  'action evict: pending→done',
  'action pin: pending→done',
  'action unpin: pending→done',
  'action verify: pending→done',
  'action resize: pending→done',
  'action report: pending→done',
  'metric ReceiptSettled stale-generation',
  'metric CommandsRejected foreign-host',
];

describe('the simulated system', () => {
  it(`keeps its promises in ${SEEDS} seeds, and reaches every fault and state edge`, {
    timeout: 30 * MINUTES_MS,
  }, async () => {
    const share = Math.ceil(SEEDS / availableParallelism());
    const firsts = Array.from({ length: Math.ceil(SEEDS / share) }, (_, index) => 1 + index * share);
    const parts = await Promise.all(firsts.map((first) => simulate(first, Math.min(share, SEEDS + 1 - first))));
    expect(parts.flatMap(({ failures }) => failures)).toEqual([]);
    expect(parts.reduce((sum, { seeds }) => sum + seeds, 0)).toBe(SEEDS);
    expect(Math.min(...parts.map(({ fewest }) => fewest))).toBeGreaterThanOrEqual(300);
    const reached = new Set(parts.flatMap(({ counters }) => Object.keys(counters)));
    const wanted = [...REACHED, ...FAULT_KINDS.map((kind) => `fault ${kind}`)];
    expect(wanted.filter((name) => !reached.has(name))).toEqual([]);
  });

  it('takes the same steps twice', async () => {
    for (const seed of [3, 4, 5, 6]) {
      const { steps, traceHash } = await runSeed(seed);
      expect(await runSeed(seed)).toMatchObject({ steps, traceHash });
    }
  });

  it.each(mutants)('still has the place that the mutant $id edits', (mutant) => {
    const url = new URL(`../../${mutant.file}`, import.meta.url).href;
    expect(mutatedSource(mutant, url)).toContain(mutant.replace);
  });
});
