import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

/** `npm run bench -- plan-apply [--moves N]`: how long `strata plan --apply` takes on an embedded plane, the process of the command and all. */

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { moves: { type: 'string', default: '10000' } } });
  const moves = Number(values.moves);
  const folder = await mkdtemp(join(tmpdir(), 'strata-bench-plan-'));
  await mkdir(join(folder, 'bucket'));
  const plane = spawn(process.execPath, ['bench/plan-apply/plane.ts', folder, String(moves)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => plane.kill());
  try {
    const [endpoint]: readonly unknown[] = await once(plane.stdout, 'data');
    const planned = await timed(String(endpoint).trim(), []);
    const applied = await timed(String(endpoint).trim(), ['--apply', '--yes', '--max-moves', String(moves)]);
    const { seconds, stdout } = applied;
    const perSecond = Math.round(moves / (seconds - planned.seconds));
    console.log(stdout.trim().split('\n').slice(1).join('\n'));
    console.log(`looked at ${moves} objects in ${planned.seconds.toFixed(1)} s`);
    console.log(`looked and applied in ${seconds.toFixed(1)} s: ${perSecond} moves a second`);
  } finally {
    await ended(plane);
    await rm(folder, { recursive: true, force: true });
  }
}

async function timed(endpoint: string, args: readonly string[]): Promise<{ seconds: number; stdout: string }> {
  const env = { ...process.env, STRATA_ENDPOINT: endpoint, STRATA_TOKEN: 'bench' };
  const started = performance.now();
  const plan = ['cli/bin.js', 'plan', '--policy', 'rules', '--json', ...args];
  const child = spawn(process.execPath, plan, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const stdout = await text(child.stdout);
  return { seconds: (performance.now() - started) / 1000, stdout };
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
