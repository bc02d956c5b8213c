import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RETRY_LIMITS } from '../../lib/adapters/transfer/decideRetry.ts';
import { download } from '../../lib/adapters/transfer/download/download.ts';
import { createTransferEngine, type TransferEngine } from '../../lib/adapters/transfer/engine.ts';
import { madeBytes } from '../support/madeBytes.ts';
import { selfSigned } from './hostile/certificate.ts';
import { type HostileServer, startHostileServer, well } from './hostile/server.ts';

const PART = 64 * 1024;
const OBJECT = madeBytes(4 * PART + 321, 11);
const WELL = { object: OBJECT, etag: '"one"', answer: well };
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'strata-threads-')));
const target = join(folder, 'object');
const retry = { ...RETRY_LIMITS, attempts: 2, basePauseMs: 1 };

afterAll(() => rmSync(folder, { recursive: true }));

/** Undefined of a thread that has ended since it was listed. */
function nameOf(id: string): string | undefined {
  try {
    return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trimEnd();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

describe('an engine', () => {
  /** Of this process, by the name that Node gives them. */
  const threads = () => readdirSync('/proc/self/task').filter((id) => nameOf(id) === 'WorkerThread').length;

  it('that is prepared has its threads before there is a range, and none once it is closed', async () => {
    const before = threads();
    const engine = createTransferEngine({ workers: { plain: 2, tls: 2 } });
    engine.prepare();
    engine.prepare();
    await expect.poll(threads).toBe(before + 2);
    await engine.close();
    engine.prepare();
    await expect.poll(threads).toBe(before);
  });

  describe.each([
    ['over TLS', true, Number.POSITIVE_INFINITY, 2],
    ['over plain HTTP', false, Number.POSITIVE_INFINITY, 1],
    ['over TLS at a limited rate, which one thread keeps', true, 1e9, 1],
  ])('that reads %s', (_, tls, bytesPerSecond, expected) => {
    const pem = selfSigned();
    const ranges = [0, 1, 2, 3].map((at) => ({ offset: at * PART, bytes: { exactly: PART } }));
    const read = OBJECT.subarray(0, ranges.length * PART);
    let origin: HostileServer;
    let engine: TransferEngine;
    let before = 0;
    const sign = async () => {
      const url = `${tls ? 'https' : 'http'}://localhost:${origin.port}`;
      return { origin: url, target: '/object', headers: {} };
    };
    const request = { path: target, sha256: false, priority: 1 };
    beforeEach(async () => {
      origin = await startHostileServer(tls ? pem : undefined);
      origin.behave(WELL);
      writeFileSync(target, '');
      before = threads();
      const sockets = { first: ranges.length, most: ranges.length, mostTls: ranges.length };
      engine = createTransferEngine({
        workers: { plain: 1, tls: 2 },
        sockets,
        bytesPerSecond,
        retry,
        ca: pem.cert.toString(),
      });
    });
    afterEach(async () => {
      await engine.close();
      await origin.close();
      // A thread that was asked to end is there for a moment more, and the next test counts from what it finds.
      await expect.poll(threads).toBe(before);
    });

    it('does so with as many threads from the first ranges on, where it is told', async () => {
      const source = { identity: {}, sign, tls };
      const running = ranges.map((range) => engine.read({ ...request, ...range, source }));
      await expect.poll(threads).toBe(before + expected);
      for (const { end } of running) expect(await end).toMatchObject({ outcome: 'read' });
      expect(readFileSync(target).equals(read)).toBe(true);
      expect(threads()).toBe(before + expected);
    });

    it('does so in a download that is told', async () => {
      const probed = { identity: { totalBytes: OBJECT.length, etag: '"one"' }, ranges: true };
      const job = { engine, probed, sign, tls, name: 'object', target, replace: true, partSize: 2 * PART };
      await download(job);
      expect(threads()).toBe(before + expected);
      expect(readFileSync(target).equals(OBJECT)).toBe(true);
    });

    it('does so once a signature has told', async () => {
      for (const range of ranges) {
        const source = { identity: {}, sign };
        expect(await engine.read({ ...request, ...range, source }).end).toMatchObject({ outcome: 'read' });
      }
      await expect.poll(threads).toBe(before + expected);
      expect(readFileSync(target).equals(read)).toBe(true);
    });

    it('gives up what is cancelled', async () => {
      const { promise: asked, resolve } = Promise.withResolvers<void>();
      origin.behave({ ...WELL, answer: () => resolve() });
      const source = { identity: {}, sign, tls };
      const running = ranges.map((range) => engine.read({ ...request, ...range, source }));
      await asked;
      for (const range of running) range.cancel();
      for (const { end } of running) expect(await end).toMatchObject({ failure: { kind: 'cancelled' } });
    });

    it('reads fewer ranges at once over TLS where that has a bound of its own', async () => {
      await engine.close();
      const asked: number[] = [];
      origin.behave({
        ...WELL,
        answer: ({ range }) => asked.push(range?.first ?? 0),
      });
      const sockets = { first: ranges.length, most: ranges.length, mostTls: 2 };
      engine = createTransferEngine({ workers: { plain: 1, tls: 2 }, sockets, retry, ca: pem.cert.toString() });
      const running = ranges.map((range) => engine.read({ ...request, ...range, source: { identity: {}, sign, tls } }));
      const most = tls ? 2 : ranges.length;
      await expect.poll(() => asked.length).toBe(most);
      expect(engine.sockets()).toBe(most);
      for (const range of running) range.cancel();
      for (const { end } of running) await end;
      expect(asked.length).toBe(most);
    });

    it('takes no more threads to another source that is read over plain HTTP', async () => {
      const other = await startHostileServer();
      other.behave(WELL);
      const [first, ...others] = ranges;
      await engine.read({ ...request, ...first!, source: { identity: {}, sign } }).end;
      const url = `http://127.0.0.1:${other.port}`;
      const plain = async () => ({ origin: url, target: '/object', headers: {} });
      const source = { identity: {}, sign: plain, tls: false };
      const running = others.map((range) => engine.read({ ...request, ...range, source }));
      for (const { end } of running) expect(await end).toMatchObject({ outcome: 'read' });
      expect(threads()).toBe(before + 1);
      expect(readFileSync(target).equals(read)).toBe(true);
      await other.close();
    });
  });
});
