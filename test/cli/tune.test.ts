import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeHostFolder } from '../unit/tuning/hostFolder.ts';
import { strataHere } from './strataHere.ts';
import { STRATA } from './strataProcess.ts';

const SETTING = 'slow-start-after-idle';
const FILE = 'proc/sys/net/ipv4/tcp_slow_start_after_idle';
let root = '';
beforeEach(async () => {
  root = await makeHostFolder();
  await mkdir(join(root, 'store'));
});
afterEach(() => rm(root, { recursive: true }));

interface Told {
  readonly code: number;
  readonly stderr: string;
  readonly items: readonly Readonly<Record<string, unknown>>[];
}

const argsOf = (more: readonly string[]) => [
  'tune',
  '--json',
  '--store',
  join(root, 'store'),
  '--root',
  root,
  '--journal',
  join(root, 'journal'),
  ...more,
];

function itemsOf(stdout: string): Told['items'] {
  const lines = stdout.trim().split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}

async function tune(...more: readonly string[]): Promise<Told> {
  const { code, stderr, stdout } = await strataHere(argsOf(more));
  return { code, stderr, items: itemsOf(stdout) };
}

/** As a process of its own, behind these words. */
function tuneBehind(words: readonly string[], more: readonly string[]): Promise<Told> {
  const [program = '', ...args] = [...words, process.execPath, STRATA, ...argsOf(more)];
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stderr, items: itemsOf(stdout) });
    });
  });
}

const text = (file: string) => readFile(join(root, file), 'utf8');
const SMALL = ['--only', SETTING, '--rounds', '3', '--size', '4MiB'];

/** Root without the capability to write what its mode forbids. */
const UNPRIVILEGED =
  process.getuid?.() === 0
    ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-dac_override,-dac_read_search']
    : [];

describe('strata tune', () => {
  it('shows what differs and changes nothing unless it is told to', async () => {
    const { code, items } = await tune();
    expect(code).toBe(0);
    expect(items).toContainEqual(
      expect.objectContaining({ setting: SETTING, status: 'differs', now: '1', suggested: '0' }),
    );
    expect(await text(FILE)).toBe('1\n');
    expect(await readdir(root)).not.toContain('journal');
    expect((await tune('--dry-run', '--apply')).code).toBe(2);
    expect((await tune('--only', 'everything')).code).toBe(2);
    expect((await tune('--apply', '--url', 'file:///etc/passwd')).code).toBe(2);
  });

  it('measures with the engine, undoes what brings nothing here, and leaves nothing behind', async () => {
    const { code, items } = await tune('--apply', ...SMALL);
    expect(code).toBe(0);
    expect(items).toMatchObject([{ setting: SETTING, effects: [{ probe: 'fill' }, { probe: 'load' }] }]);
    const [{ outcome, effects }] = items as unknown as readonly [
      { outcome: string; effects: readonly { before: number }[] },
    ];
    expect(effects.every(({ before }) => before > 1e6)).toBe(true);
    expect(await text(FILE)).toBe(outcome === 'kept' ? '0\n' : '1\n');
    expect(await readdir(join(root, 'store'))).toEqual([]);
  });

  it('keeps and makes last what it is told to, and takes it back', async () => {
    await mkdir(join(root, 'etc'));
    const kept = await tune('--apply', '--keep', '--persist', ...SMALL);
    expect(kept.items).toMatchObject([{ outcome: 'kept', reason: 'asked' }]);
    expect(await text(FILE)).toBe('0\n');
    expect(await text('etc/sysctl.d/90-strata.conf')).toContain('net.ipv4.tcp_slow_start_after_idle = 0\n');
    await mkdir(join(root, 'store/.strata-tune-aBc123'));
    await writeFile(join(root, 'store/.strata-tune-aBc123/0123456789abcdef.part'), '');
    const undone = await tune('--revert');
    expect(await readdir(join(root, 'store'))).toEqual([]);
    expect(undone.items).toMatchObject([{ setting: SETTING, outcome: 'undone' }]);
    expect(await text(FILE)).toBe('1\n');
    expect(await readdir(join(root, 'etc/sysctl.d'))).toEqual([]);
    expect(await readdir(join(root, 'journal'))).toEqual([]);
    expect((await tune('--revert')).items).toEqual([]);
  });

  it('tries nothing with --persist where a file for boot is of somebody else', async () => {
    const file = 'etc/sysctl.d/90-strata.conf';
    await mkdir(join(root, 'etc/sysctl.d'), { recursive: true });
    await writeFile(join(root, file), 'vm.swappiness = 1\n');
    const { code, stderr, items } = await tune('--apply', '--keep', '--persist', ...SMALL);
    expect({ code, items }).toEqual({ code: 1, items: [] });
    expect(stderr).toContain(`${file} is not of`);
    expect(stderr).not.toContain('trying');
    expect([await text(file), await text(FILE)]).toEqual(['vm.swappiness = 1\n', '1\n']);
  });

  it('prints what was tried before Ctrl-C', async () => {
    const only = ['--only', `${SETTING},dirty-bytes`, '--rounds', '6', '--size', '4MiB'];
    const child = spawn(process.execPath, [STRATA, ...argsOf(['--apply', ...only])], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (chunk.includes('trying dirty-bytes')) child.kill('SIGINT');
    });
    expect(await new Promise((resolve) => child.once('close', resolve))).not.toBe(0);
    expect(stderr).toContain('cancelled');
    expect(itemsOf(stdout)).toMatchObject([{ setting: SETTING }]);
  });

  it('ends with an error where something stays that it should have taken back', async () => {
    await tune('--apply', '--keep', ...SMALL);
    await mkdir(join(root, 'aside'));
    await rename(join(root, FILE), join(root, 'aside/file'));
    await symlink(join(root, 'aside/file'), join(root, FILE));
    const { code, stderr, items } = await tune('--revert');
    expect({ code, items }).toMatchObject({ code: 3, items: [{ setting: SETTING, outcome: 'stayed' }] });
    expect(stderr).toContain(`${SETTING} could not be set back (/${FILE} 1).`);
  });

  it('takes all else back where a file for boot cannot be removed, and says what to do', async () => {
    await mkdir(join(root, 'etc'));
    await tune('--apply', '--keep', '--persist', ...SMALL);
    await chmod(join(root, 'etc/sysctl.d'), 0o555);
    const { code, stderr, items } = await tuneBehind(UNPRIVILEGED, ['--revert']);
    await chmod(join(root, 'etc/sysctl.d'), 0o755);
    const setting = '/etc/sysctl.d/90-strata.conf';
    expect({ code, items }).toMatchObject({ code: 3, items: [{ setting, outcome: 'at-boot' }, { outcome: 'undone' }] });
    expect(stderr).toContain(`${setting} sets at each boot what was set back now: remove it, and run --revert again.`);
    expect(await text(FILE)).toBe('1\n');
    expect((await tune('--revert')).items).toEqual([]);
    expect(await readdir(join(root, 'etc/sysctl.d'))).toEqual([]);
  });

  it('gives who may not write the command for root', async () => {
    await chmod(join(root, FILE), 0o444);
    const { code, stderr } = await tuneBehind(UNPRIVILEGED, ['--apply', ...SMALL]);
    expect(code).toBe(1);
    expect(stderr).toContain("sysctl -w net.ipv4.tcp_slow_start_after_idle='0'");
  });
});
