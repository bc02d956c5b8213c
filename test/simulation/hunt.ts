import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';

const ROOT = join(import.meta.dirname, '../..');
/** A mutant may turn a loop of a test into one without an end. */
const TESTS_END_WITHIN_MS = 4 * 60_000;

const HOOK = new URL('./mutationHook.ts', import.meta.url).href;

/** Hunts each mutant until one of `seeds` notices it, two at a time; prints who found it. Answers whether all were found. */
export async function huntMutants(only: readonly string[] | undefined, seeds: string): Promise<boolean> {
  return forEachMutant(only, 2, ['found', 'SURVIVED'], async ({ id }) => {
    const main = join(import.meta.dirname, 'main.ts');
    const args = ['--import', HOOK, main, '--seeds', seeds, '--stop-at-first'];
    const lines = await linesOf(process.execPath, args, id);
    return lines.find((line) => line.startsWith('seed '));
  });
}

/** Runs the unit and contract tests that load a mutant's file over its edit. Answers whether at least half survive them. */
export async function testMutants(only: readonly string[] | undefined): Promise<boolean> {
  let caught = 0;
  const tried = chosen(only).length;
  await forEachMutant(only, 1, ['caught', 'survives'], async ({ id, file }) => {
    const config = join(import.meta.dirname, 'mutated.vitest.config.ts');
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const args = [
      'related',
      '--run',
      '--config',
      config,
      '--root',
      ROOT,
      '--bail',
      '1',
      '--passWithNoTests',
      '--no-isolate',
      '--pool',
      'threads',
    ];
    const lines = await linesOf(process.execPath, [vitest, ...args, join(ROOT, file)], id, TESTS_END_WITHIN_MS);
    const test = lines.find((line) => line.includes(' FAIL '))?.replace(/^.* FAIL +/, '');
    if (test !== undefined) caught += 1;
    return test;
  });
  return caught * 2 <= tried;
}

function chosen(only: readonly string[] | undefined): readonly Mutant[] {
  return mutants.filter(({ id }) => only === undefined || only.includes(id));
}

async function forEachMutant(
  only: readonly string[] | undefined,
  atOnce: number,
  [found, missed]: readonly [string, string],
  seek: (mutant: Mutant) => Promise<string | undefined>,
): Promise<boolean> {
  const waiting = [...chosen(only)];
  const total = waiting.length;
  let count = 0;
  const worker = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const by = await seek(mutant);
      if (by !== undefined) count += 1;
      console.log(`${(by === undefined ? missed : found).padEnd(8)}  ${mutant.id.padEnd(32)}  ${by ?? mutant.breaks}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  console.log(`${count} of ${total} mutants ${found}`);
  return count === total;
}

function linesOf(program: string, args: readonly string[], id: string, timeout = 0): Promise<readonly string[]> {
  const child = spawn(program, args, {
    cwd: ROOT,
    timeout,
    killSignal: 'SIGKILL',
    env: { ...process.env, STRATA_MUTANT: id, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', (line) => lines.push(line));
    child.on('error', reject);
    child.on('close', (_code, signal) => resolve(signal === null ? lines : [...lines, ' FAIL no end']));
  });
}
