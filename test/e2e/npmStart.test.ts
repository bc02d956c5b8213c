import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { safetensorsOf } from '../support/modelFiles.ts';

/** Longer than a start takes, with the first uploads in it. */
const INTERRUPT_WITHIN_MS = 4_000;

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
    return run(process.execPath, ['runtime/bin.js', '--port', '0', ...flags]);
  }

  function run(command: string, args: readonly string[], stdout: 'pipe' | number = 'pipe') {
    const child = spawn(command, args, {
      detached: true,
      env: { ...process.env, TMPDIR: scratch },
      stdio: ['ignore', stdout, 'pipe'],
    });
    groups.push(child.pid ?? 0);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
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
    await eventually(async () => expect(isAlive(child.pid ?? 0)).toBe(false), 60_000);
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

  it('leaves nothing when a supervisor ends npm alone', async () => {
    const { child, exited, seen, output } = run('npm', ['start', '--', '--port', '0', '--no-samples']);
    await seen('host-b                   registered');
    child.kill('SIGTERM');
    await exited;
    await leftNothing(child, output());
    await eventually(async () => expect(strataFilesIn(scratch)).toEqual([]), 60_000);
  });

  it('leaves nothing when it is interrupted at any moment', async () => {
    // The same fractions each time; what they fall on is the machine's.
    for (const share of [0, 0.07, 0.13, 0.22, 0.31, 0.4, 0.52, 0.63, 0.77, 0.9]) {
      const { child, exited, output } = start('--hosts', '2');
      await new Promise((resolve) => setTimeout(resolve, share * INTERRUPT_WITHIN_MS));
      child.kill(share > 0.5 ? 'SIGTERM' : 'SIGINT');
      const code = await exited;
      // Before it listens to signals there is nothing to leave behind, and the signal ends it.
      expect([130, 'SIGINT', 'SIGTERM'], `${share}: ${output()}`).toContain(code);
      await eventually(async () => expect(isAlive(child.pid ?? 0), `${share}: ${output()}`).toBe(false), 60_000);
      expect(readdirSync(scratch), `${share}: ${output()}`).toEqual([]);
    }
  });

  it('takes hosts, their room and no samples; says what does not fit', async () => {
    const file = join(scratch, 'small.safetensors');
    // Below 128 KiB no class is cheaper, and the sweep would leave it where it is.
    writeFileSync(file, safetensorsOf(5_000_000, 1));
    const one = start('--once', '--no-samples', '--hosts', '1', '--model', file);
    expect(await one.exited, one.output()).toBe(0);
    expect(one.output()).toMatch(/small@1\.0\.0 +cached +on host-a/);
    expect(one.output()).not.toMatch(/watercolor|host-b/);

    const full = start('--once', '--no-samples', '--hosts', '1', '--capacity', '10kB', '--model', file);
    expect(await full.exited, full.output()).toBe(1);
    expect(full.output()).toMatch(/small@1\.0\.0 +not-cached +on host-a/);
    expect(full.output()).toContain('expected cached, came to not-cached');
  });

  it.each([
    [['--model', '/nowhere.safetensors'], 2, 'no such file'],
    [['--model', '/tmp'], 2, 'is no file'],
    [['--hosts', '9'], 2, '0 to 8'],
    [['--hosts', '0', '--once'], 2, 'needs --hosts 1'],
    [['--capacity', 'much'], 2, 'no size'],
    [['--capacity', '8000TB'], 2, 'for each of 2 hosts is more than there is: the volume of '],
    [['--once', '--no-samples'], 2, 'add --model FILE'],
    [['--data', '/dev/null'], 1, 'cannot be used'],
  ])('with %j says what is wrong before it starts anything', async (flags, code, text) => {
    const { exited, output } = start(...flags);
    expect(await exited, output()).toBe(code);
    expect(output()).toContain(text);
    expect(output().trim().split('\n')).toHaveLength(1);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('says so when another runs on its folder or its port', async () => {
    const data = join(scratch, 'data');
    const first = start('--data', data, '--no-samples', '--hosts', '1');
    await first.seen('Strata is up at');
    const port = /127\.0\.0\.1:(\d+)/.exec(first.output())?.[1] ?? '';
    const second = start('--data', data);
    expect(await second.exited).toBe(1);
    expect(second.output()).toMatch(/^Process \d+ runs on .*choose another folder with --data\.\n$/);
    const third = start('--data', join(scratch, 'other'), '--port', port);
    expect(await third.exited).toBe(1);
    expect(third.output()).toMatch(/^Port \d+ is taken\..*--port \(0 takes a free one\)\.\n$/);
    expect(readdirSync(scratch)).toEqual(['data']);
    first.child.kill('SIGINT');
    expect(await first.exited).toBe(130);
  });

  it.skipIf(!portsAreRoots())('says so when its port is one of those that only root may listen on', async () => {
    const flags = ['--no-samples', '--port', '80'];
    const { exited, output } = run('unshare', ['--user', process.execPath, 'runtime/bin.js', ...flags]);
    expect(await exited, output()).toBe(1);
    expect(output()).toMatch(/^Port 80 is not for this user\..*--port \(0 takes a free one\)\.\n$/);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('goes on where nobody can be told how far it is', async () => {
    const file = join(scratch, 'small.safetensors');
    // Below 128 KiB no class is cheaper, and the sweep would leave it where it is.
    writeFileSync(file, safetensorsOf(5_000_000, 1));
    const full = openSync('/dev/full', 'w');
    const flags = ['--once', '--no-samples', '--hosts', '1', '--model', file];
    const { exited, output } = run(process.execPath, ['runtime/bin.js', '--port', '0', ...flags], full);
    closeSync(full);
    expect(await exited, output()).toBe(0);
  });

  it('does without hosts of its own beside a box that has its agent', async () => {
    const file = join(scratch, 'small.safetensors');
    writeFileSync(file, safetensorsOf(50_000, 1));
    const { child, exited, seen, output } = start('--no-samples', '--hosts', '0', '--model', file);
    await seen('small@1.0.0              published');
    expect(
      readdirSync(join(scratch, readdirSync(scratch).find((name) => name.startsWith('strata')) ?? '', 'hosts')),
    ).toEqual([]);
    child.kill('SIGTERM');
    expect(await exited).toBe(130);
    await leftNothing(child, output());
  });

  it('tries until it can start an agent again that was killed', async () => {
    const data = join(scratch, 'data');
    const { child, exited, seen, output } = start('--data', data, '--no-samples', '--hosts', '1');
    await seen('Push models of your own');
    const held = new DatabaseSync(join(data, 'catalog.db'));
    held.exec('BEGIN IMMEDIATE');
    const [agent] = execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).split('\n');
    process.kill(Number(agent), 'SIGKILL');
    await seen('host-a                   lost');
    held.close();
    await eventually(async () => expect(output().match(/host-a +registered/g)).toHaveLength(2), 60_000);
    child.kill('SIGTERM');
    expect(await exited).toBe(130);
  });

  it('starts an agent again that was killed', async () => {
    const { child, exited, seen, output } = start();
    await seen('Push models of your own');
    const [agent] = execFileSync('pgrep', ['-P', String(child.pid), '-f', 'agent/bin.js'], { encoding: 'utf8' }).split(
      '\n',
    );
    process.kill(Number(agent), 'SIGKILL');
    await seen('agent ended (SIGKILL)');
    await eventually(async () => expect(output().match(/host-[ab] +registered/g)).toHaveLength(3), 60_000);
    child.kill('SIGTERM');
    expect(await exited).toBe(130);
    await leftNothing(child, output());
  });

  it('starts an agent that ends at once less and less often, and tells why it ends', async () => {
    const data = join(scratch, 'data');
    const { child, exited, seen, output } = start('--data', data, '--no-samples', '--hosts', '1');
    await seen('Push models of your own');
    const state = join(data, 'hosts', 'host-a', 'state');
    renameSync(state, `${state}.kept`);
    writeFileSync(state, 'no folder');
    const [agent] = execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).split('\n');
    process.kill(Number(agent), 'SIGKILL');
    await seen('agent ended (SIGKILL)');
    await seen('It is started again in 4 s');
    expect(output()).toMatch(
      /agent ended \(\d+\): DiskError: state: EEXIST; its log is .*host-a\.jsonl\. It is started again in 2 s/,
    );
    rmSync(state);
    renameSync(`${state}.kept`, state);
    await eventually(async () => expect(output().match(/host-a +registered/g)).toHaveLength(2), 60_000);
    child.kill('SIGTERM');
    expect(await exited).toBe(130);
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

/** Whether ports below 1024 are refused to who is not root of this machine, as in a user namespace of its own. */
function portsAreRoots(): boolean {
  try {
    execFileSync('unshare', ['--user', 'true'], { stdio: 'ignore' });
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) > 80;
  } catch {
    return false;
  }
}

/** npm keeps a cache of its own there. */
function strataFilesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.startsWith('strata'));
}

function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}
