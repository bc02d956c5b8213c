import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';
import { createPinoLogger } from '../../lib/adapters/node/pinoTelemetry.ts';
import { download } from '../../lib/adapters/transfer/download/download.ts';
import { createTransferEngine } from '../../lib/adapters/transfer/engine.ts';
import { madeBytes } from '../support/madeBytes.ts';
import { fullDiskContract } from './disk.suite.ts';
import { type Hostile, startHostileServer, well } from './hostile/server.ts';

// A disk that really fills: a tmpfs of 4 MiB in a mount namespace of its own. This file runs itself inside of it.
const MIB_4 = 4 * 1024 * 1024;
const volume = process.env['STRATA_TEST_VOLUME'];

if (volume !== undefined) {
  afterEach(() => {
    for (const left of readdirSync(volume)) rmSync(join(volume, left), { recursive: true });
  });
  fullDiskContract('A folder', MIB_4, () => createNodeDisk(mkdtempSync(join(volume, 'disk-'))));
  describe('A fetch to a tmpfs', () => fetchesTo(volume));
  describe('A log on a tmpfs', () => logsTo(volume));
} else {
  describe.skipIf(!mayMount())('A folder on a small tmpfs', () => {
    it('keeps the contract of a full disk', () => {
      const folder = mkdtempSync(join(tmpdir(), 'strata-volume-'));
      const script = `mount -t tmpfs -o size=${MIB_4} tmpfs "$0" && exec npx vitest run --project contract test/contract/fullDisk.test.ts`;
      try {
        const output = execFileSync('unshare', ['-Urm', 'sh', '-c', script, folder], {
          env: { ...process.env, STRATA_TEST_VOLUME: folder, NO_COLOR: '1' },
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        expect(output).toContain('7 passed');
      } finally {
        rmdirSync(folder);
      }
    });
  });
}

/** There is no claim on its pages: what is there at the beginning may be gone when they are written. */
function fetchesTo(volume: string): void {
  const object = madeBytes(MIB_4 / 2, 5);

  async function fetchIt(folder: string, totalBytes: number, answer: Hostile['answer']): Promise<void> {
    const server = await startHostileServer();
    server.behave({ object, etag: '"one"', answer });
    const engine = createTransferEngine();
    try {
      const origin = `http://127.0.0.1:${server.port}`;
      await download({
        engine,
        probed: { identity: { totalBytes, etag: '"one"' }, ranges: true },
        sign: async () => ({ origin, target: '/object', headers: {} }),
        name: 'object',
        target: join(folder, 'object'),
        replace: false,
      });
    } finally {
      await engine.close();
      await server.close();
    }
  }

  it('takes no page before its bytes come', async () => {
    const folder = mkdtempSync(join(volume, 'fetch-'));
    let blocks = 0;
    await fetchIt(folder, object.length, (asked, socket, hostile) => {
      blocks = Math.max(blocks, asked.count === 1 ? statSync(join(folder, 'object.part')).blocks : 0);
      well(asked, socket, hostile);
    });
    expect(blocks).toBe(0);
    expect(readFileSync(join(folder, 'object')).equals(object)).toBe(true);
  });

  it('does not begin where there is no room', async () => {
    const folder = mkdtempSync(join(volume, 'fetch-'));
    let asked = 0;
    const fetched = fetchIt(folder, MIB_4 * 2, () => void (asked += 1));
    await expect(fetched).rejects.toMatchObject({ code: 'no-space' });
    expect(asked).toBe(0);
  });

  it('ends without a file where the room is gone meanwhile', async () => {
    const folder = mkdtempSync(join(volume, 'fetch-'));
    const fetched = fetchIt(folder, object.length, (asked, socket, hostile) => {
      if (asked.count === 1) writeFileSync(join(folder, 'filler'), Buffer.alloc(MIB_4 * 0.75));
      well(asked, socket, hostile);
    });
    await expect(fetched).rejects.toMatchObject({ code: 'no-space' });
    expect(readdirSync(folder)).not.toContain('object');
  });
}

function logsTo(volume: string): void {
  it('fails nobody while there is no room, tears no line, and tells how many were lost', () => {
    const [path, filler] = [join(volume, 'log'), join(volume, 'filler')];
    const logger = createPinoLogger({ level: 'info', path });
    const log = (from: number, to: number) => {
      for (let line = from; line < to; line += 1) logger.info({ line }, 'x'.repeat(100));
    };
    log(0, 10);
    expect(() => writeFileSync(filler, Buffer.alloc(2 * MIB_4))).toThrow('ENOSPC');
    log(10, 1000);
    rmSync(filler);
    log(1000, 1010);

    const lines = readFileSync(path, 'utf8').trim().split('\n').map(readLine);
    const lost = lines.findIndex(({ msg }) => msg === 'log-lines-lost');
    // The first line after the gap is what finds the room.
    const kept = lines.slice(0, lost - 1).map(({ line }) => line);
    expect(kept.length).toBeGreaterThan(10);
    expect(kept).toEqual(kept.map((_, index) => index));
    expect(lines[lost]?.lines).toBe(1000 - kept.length);
    expect(lines.filter((_, index) => index >= lost - 1 && index !== lost).map(({ line }) => line)).toEqual(
      Array.from({ length: 10 }, (_, index) => 1000 + index),
    );
  });

  it('tells of every lost line where there was room for some of what waits, and none for the next line', () => {
    const [path, filler] = [join(volume, 'log'), join(volume, 'filler')];
    const logger = createPinoLogger({ level: 'info', path });
    expect(() => writeFileSync(filler, Buffer.alloc(2 * MIB_4))).toThrow('ENOSPC');
    for (let line = 0; line < 1000; line += 1) logger.info({ line }, 'x'.repeat(100));
    truncateSync(filler, statSync(filler).size - 4096);
    logger.info({ line: 1000 }, 'x'.repeat(10_000));
    rmSync(filler);
    logger.info({ line: 1001 }, 'after');

    const lines = readFileSync(path, 'utf8').trim().split('\n').map(readLine);
    const kept = lines.filter(({ line }) => line !== undefined).length;
    const lost = lines.reduce((sum, { lines: count = 0 }) => sum + count, 0);
    expect(lines.at(-1)?.msg).toBe('log-lines-lost');
    expect(kept).toBeGreaterThan(10);
    expect(kept + lost).toBe(1002);
  });
}

function readLine(text: string): { readonly line?: number; readonly lines?: number; readonly msg?: string } {
  return JSON.parse(text);
}

function mayMount(): boolean {
  try {
    execFileSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
