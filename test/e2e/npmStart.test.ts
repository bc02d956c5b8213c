import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { safetensorsOf } from '../support/modelFiles.ts';

describe('npm start', { timeout: 180_000 }, () => {
  let scratch: string;
  const groups: number[] = [];
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'strata-e2e-'));
  });
  afterEach(() => {
    for (const group of groups.splice(0)) if (isAlive(group)) process.kill(-group, 'SIGKILL');
    rmSync(scratch, { recursive: true });
  });

  /** Runs as a process group of its own, so that whatever it leaves behind can be found. */
  function start(...flags: readonly string[]) {
    const child = spawn(process.execPath, ['runtime/main.ts', '--port', '0', ...flags], {
      detached: true,
      env: { ...process.env, TMPDIR: scratch },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    groups.push(child.pid ?? 0);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    const exited = new Promise<number | string | null>((resolve) => {
      child.on('close', (code, signal) => resolve(code ?? signal));
    });
    const seen = (text: string) =>
      eventually(async () => {
        if (!output.includes(text)) throw new Error(`not yet: ${text} in\n${output}`);
      }, 90_000);
    return { child, exited, seen, output: () => output };
  }

  async function leftNothing(child: ChildProcess, output: string): Promise<void> {
    await eventually(async () => expect(isAlive(child.pid ?? 0)).toBe(false), 15_000);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? '';
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  }

  it('--once brings every sample to its end, exits 0 and leaves nothing', async () => {
    const { child, exited, output } = start('--once');
    expect(await exited, output()).toBe(0);
    const lines = output();
    for (const model of ['watercolor', 'sd-vae', 'stories15m']) {
      for (const stage of ['uploaded', 'verdict', 'published', 'placed', 'cached']) {
        expect(lines).toMatch(new RegExp(`${model}@1\\.0\\.0 +${stage}`));
      }
    }
    expect(lines.match(/quarantined/g)).toHaveLength(2);
    expect(lines.match(/read back +verified/g)).toHaveLength(6);
    expect(lines).toMatch(/transitioned STANDARD → STANDARD_IA/);
    expect(lines).toMatch(/requested +host-a leases/);
    await leftNothing(child, lines);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('leaves nothing when it is interrupted', async () => {
    const { child, exited, seen, output } = start();
    await seen('watercolor@1.0.0         uploaded');
    child.kill('SIGINT');
    expect(await exited).toBe(130);
    await leftNothing(child, output());
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('starts an agent again that was killed', async () => {
    const { child, exited, seen, output } = start();
    await seen('Push models of your own');
    const [agent] = execFileSync('pgrep', ['-P', String(child.pid), '-f', 'agent/main.ts'], { encoding: 'utf8' }).split(
      '\n',
    );
    process.kill(Number(agent), 'SIGKILL');
    await seen('agent ended (SIGKILL)');
    await eventually(async () => expect(output().match(/host-[ab] +registered/g)).toHaveLength(3), 30_000);
    child.kill('SIGTERM');
    expect(await exited).toBe(130);
    await leftNothing(child, output());
  });

  it('goes on from its folder after it was killed, and takes the user’s own file', async () => {
    const data = join(scratch, 'data');
    const first = start('--data', data);
    await first.seen('sd-vae@1.0.0             uploaded');
    first.child.kill('SIGKILL');
    await first.exited;
    await leftNothing(first.child, first.output());

    const file = join(scratch, 'My Model.safetensors');
    writeFileSync(file, safetensorsOf(50_000, 1));
    const second = start('--data', data, '--model', file, '--once');
    expect(await second.exited, second.output()).toBe(0);
    expect(second.output()).toMatch(/my-model@1\.0\.0 +cached +on host-b/);

    const third = start('--data', data, '--once');
    expect(await third.exited, third.output()).toBe(0);
    expect(third.output()).toContain('The sample models are there from an earlier start.');
  });

  it('exits 2 with a word on a flag that it does not know', async () => {
    const { exited, output } = start('--nonsense');
    expect(await exited).toBe(2);
    expect(output()).toContain('--nonsense');
  });
});

function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}
