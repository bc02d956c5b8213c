import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { Mutant } from './mutant.ts';
import { misfitOf } from './mutation.ts';

const ROOT = join(import.meta.dirname, '../..');
/** A mutant may turn a loop of a test into one without an end. */
const TESTS_END_WITHIN_MS = 4 * 60_000;

const HOOK = new URL('./mutationHook.ts', import.meta.url).href;

/** Hunts each mutant until one of `seeds` from `first` on notices it, two at a time; prints who found it. Answers whether all were tried and found. */
export async function huntMutants(mutants: readonly Mutant[], seeds: string, first: string): Promise<boolean> {
  const { count } = await forEachMutant(mutants, 2, ['found', 'SURVIVED'], async ({ id }) => {
    const main = join(import.meta.dirname, 'main.ts');
    const args = ['--import', HOOK, main, '--first', first, '--seeds', seeds, '--stop-at-first'];
    const lines = await linesOf(process.execPath, args, id);
    return lines.find((line) => line.startsWith('seed '));
  });
  return count === mutants.length;
}

/** Runs the unit and contract tests that load a mutant's file over its edit. Answers whether all were tried, and at least half survive them. */
export async function testMutants(mutants: readonly Mutant[]): Promise<boolean> {
  const { count, tried } = await forEachMutant(mutants, 1, ['caught', 'survives'], async ({ id, file }) => {
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
    return lines.find((line) => line.includes(' FAIL '))?.replace(/^.* FAIL +/, '');
  });
  return tried === mutants.length && count * 2 <= tried;
}

/** Without a try of those whose text is no longer in its file: neither has anything found them nor have they survived. */
async function forEachMutant(
  mutants: readonly Mutant[],
  atOnce: number,
  [found, missed]: readonly [string, string],
  seek: (mutant: Mutant) => Promise<string | undefined>,
): Promise<{ readonly count: number; readonly tried: number }> {
  const say = (word: string, id: string, text: string) => console.log(`${word.padEnd(8)}  ${id.padEnd(32)}  ${text}`);
  const waiting: Mutant[] = [];
  for (const mutant of mutants) {
    const misfit = misfitOf(mutant);
    if (misfit === undefined) waiting.push(mutant);
    else say('MISFIT', mutant.id, misfit);
  }
  const tried = waiting.length;
  let count = 0;
  const worker = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const by = await seek(mutant);
      if (by !== undefined) count += 1;
      say(by === undefined ? missed : found, mutant.id, by ?? mutant.breaks);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const untried = mutants.length - tried;
  console.log(
    `${count} of ${tried} mutants ${found}${untried === 0 ? '' : `, ${untried} NOT TRIED: they do not apply`}`,
  );
  return { count, tried };
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
