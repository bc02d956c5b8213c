import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RETRY_LIMITS } from '../../lib/adapters/transfer/decideRetry.ts';
import { probe } from '../../lib/adapters/transfer/download/probe.ts';
import { createConnections } from '../../lib/adapters/transfer/http/connections.ts';
import { createBufferPool } from '../../lib/adapters/transfer/worker/buffers.ts';
import { createFiles } from '../../lib/adapters/transfer/worker/files.ts';
import { createLimiter } from '../../lib/adapters/transfer/worker/limiter.ts';
import { startRangeRead } from '../../lib/adapters/transfer/worker/rangeReader.ts';
import { createRequests } from '../../lib/adapters/transfer/worker/requests.ts';
import { MIB } from '../../lib/shared/units.ts';

const retry = { ...RETRY_LIMITS, attempts: 2, basePauseMs: 1 };
const proxies = { http: undefined, https: undefined, no: undefined };
const now = () => performance.now();
const SECRET = 'of this network';

/** 127.0.0.2 and .3 stand for servers on the internet, all else on this machine for itself. */
const isPublic = (address: string) => address === '127.0.0.2' || address === '127.0.0.3';

describe('a redirect by a server of the internet', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'strata-redirects-')));
  const path = join(folder, 'object');
  const servers: Server[] = [];
  let asked = 0;
  let inside = 0;
  let away = 0;

  async function serve(
    host: string,
    locationOf: (path: string) => string | undefined,
    onCall = () => undefined as void,
  ) {
    const server = createServer((call, answer) => {
      onCall();
      const [from = '', resets] = (call.url ?? '').split('?');
      const location = locationOf(from);
      if (location !== undefined) {
        answer.writeHead(302, { location, 'content-length': 0 }).end();
        if (resets !== undefined) setImmediate(() => call.socket.resetAndDestroy());
      } else {
        const last = SECRET.length - 1;
        const wanted = (call.headers.range ?? '').endsWith('=0-0') ? 0 : last;
        answer
          .writeHead(206, { 'content-range': `bytes 0-${wanted}/${SECRET.length}` })
          .end(SECRET.slice(0, wanted + 1));
      }
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address: AddressInfo | string | null = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  beforeAll(async () => {
    inside = await serve(
      '127.0.0.1',
      () => undefined,
      () => {
        asked += 1;
      },
    );
    const other = await serve('127.0.0.3', (from) => (from === '/through' ? `http://127.0.0.1:${inside}/` : undefined));
    away = await serve('127.0.0.2', (from) =>
      from === '/public'
        ? `http://127.0.0.3:${other}/`
        : from === '/through'
          ? `http://127.0.0.3:${other}/through`
          : `http:/${from}:${inside}/`,
    );
  });
  afterAll(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  const request = (target: string) => ({ origin: `http://127.0.0.2:${away}`, target, headers: {} });
  const connect = () => createConnections({ proxies, ca: undefined, isPublic }, now);

  async function probeIt(target: string) {
    const connections = connect();
    const probed = await probe({ connections, retry, timeoutMs: 2000, sign: async () => request(target) });
    connections.close();
    return 'failure' in probed ? probed.failure.kind : 'answered';
  }

  async function readIt(target: string) {
    writeFileSync(path, '');
    const connections = connect();
    const requests = createRequests(() => requests.answered(1, request(target)));
    const read = startRangeRead(
      {
        pool: createBufferPool(MIB),
        files: createFiles(),
        connections,
        requests,
        limiter: createLimiter(now),
        limits: { poolBytes: MIB, stallMs: 2000, quietMs: 2000, slowBytesPerSecond: 0, slowMs: 60_000, retry },
        now,
        progress: () => undefined,
        lastAt: now,
        alone: () => true,
        suspended: () => undefined,
        again: () => undefined,
        slowDown: () => undefined,
      },
      { id: 1, slot: 0, source: 1, identity: {}, path, offset: 0, bytes: { exactly: SECRET.length }, sha256: false },
    );
    const end = await read.end;
    connections.close();
    return end.outcome === 'failed' ? end.failure.kind : readFileSync(path, 'utf8');
  }

  it.each(['/127.0.0.1', '/127.0.0.1?resets', '/localhost', '/[::1]', '/through'])(
    'leads nobody into this network: %s',
    async (target) => {
      expect(await probeIt(target)).toBe('redirects');
      expect(await readIt(target)).toBe('redirects');
      expect(asked).toBe(0);
    },
  );

  it('leads to others there', async () => {
    expect(await probeIt('/public')).toBe('answered');
    expect(await readIt('/public')).toBe(SECRET);
  });
});
