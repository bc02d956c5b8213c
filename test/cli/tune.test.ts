import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeHostFolder } from '../unit/tuning/hostFolder.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
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

function tune(...more: readonly string[]): Promise<Told> {
  const args = [MAIN, 'tune', '--json', '--store', join(root, 'store'), '--root', root];
  return new Promise((resolve) => {
    execFile(process.execPath, [...args, '--journal', join(root, 'journal'), ...more], (error, stdout, stderr) => {
      const items = stdout.trim().split('\n').filter(Boolean);
      const code = error === null ? 0 : Number(error.code);
      resolve({ code, stderr, items: items.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>) });
    });
  });
}

const text = (file: string) => readFile(join(root, file), 'utf8');
const SMALL = ['--only', SETTING, '--rounds', '3', '--size', '4MiB'];

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

  it.skipIf(process.getuid?.() === 0)('gives who may not write the command for root', async () => {
    await chmod(join(root, FILE), 0o444);
    const { code, stderr } = await tune('--apply', ...SMALL);
    expect(code).toBe(1);
    expect(stderr).toContain("sysctl -w net.ipv4.tcp_slow_start_after_idle='0'");
  });
});
