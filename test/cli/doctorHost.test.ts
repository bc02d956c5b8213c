import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runStrata } from './strataProcess.ts';

/** A plane whose clock is an hour ahead. */
const plane = createServer((_, answer) => {
  answer.sendDate = false;
  answer
    .setHeader('date', new Date(Date.now() + 3_600_000).toUTCString())
    .writeHead(404)
    .end();
});
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-doctor-'));
  await chmod(folder, 0o755);
  await new Promise<void>((resolve) => plane.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  plane.close();
  await rm(folder, { recursive: true });
});

interface Check {
  readonly check: string;
  readonly status: string;
  readonly detail: string;
  readonly fix?: string;
}

async function doctor(
  ...more: readonly string[]
): Promise<{ readonly code: number; readonly checks: readonly Check[] }> {
  const url = `http://127.0.0.1:${(plane.address() as AddressInfo).port}`;
  const { code, stdout } = await runStrata(['doctor', '--json', '--plane', url, ...more]);
  const lines = stdout.trim().split('\n').filter(Boolean);
  return { code, checks: lines.map((line) => JSON.parse(line) as Check) };
}

describe('strata doctor --store', () => {
  it('measures the real host, leaves nothing behind, and ends with 1 when a check fails', async () => {
    const { code, checks } = await doctor('--store', folder);
    expect(code).toBe(1);
    const byName = new Map(checks.map((check) => [check.check, check]));
    expect(byName.get('folder')).toMatchObject({ status: 'PASSED' });
    expect(byName.get('plane')).toMatchObject({ status: 'PASSED' });
    expect(byName.get('object-store')).toMatchObject({ status: 'PASSED' });
    expect(byName.get('clock')).toMatchObject({ status: 'FAILED', fix: 'timedatectl set-ntp true' });
    expect(byName.get('clock')?.detail).toMatch(/^3(599|600|601) s behind the plane$/);
    expect(byName.get('tuning')).toMatchObject({ status: 'PASSED' });
    expect(byName.get('fsync')?.detail).toMatch(/median [\d.]+ ms/);
    expect(byName.get('agent')).toMatchObject({ status: 'PASSED', detail: 'does not run' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('tells of a folder that is not there', async () => {
    const { code, checks } = await doctor('--store', join(folder, 'missing'));
    expect(code).toBe(1);
    const failures = checks.filter(({ status }) => status === 'FAILED').map(({ check }) => check);
    expect(failures).toEqual(expect.arrayContaining(['folder', 'file-system', 'space', 'direct-io', 'fsync']));
  });
});
