import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RETRY_LIMITS } from '../../lib/adapters/transfer/decideRetry.ts';
import { download, type DownloadJob } from '../../lib/adapters/transfer/download/download.ts';
import { createTransferEngine } from '../../lib/adapters/transfer/engine.ts';
import { type EngineConfig } from '../../lib/adapters/transfer/engineConfig.ts';
import { madeBytes } from '../support/madeBytes.ts';
import { selfSigned } from './hostile/certificate.ts';
import { type Hostile, type HostileServer, refuse, startHostileServer, well } from './hostile/server.ts';

const PART = 64 * 1024;
const OBJECT = madeBytes(8 * PART + 321, 11);
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'strata-download-')));
const target = join(folder, 'object');
const retry = { ...RETRY_LIMITS, attempts: 2, basePauseMs: 1 };

let server: HostileServer;
let firsts: number[] = [];
beforeAll(async () => {
  server = await startHostileServer();
});
afterEach(() => {
  firsts = [];
  for (const left of readdirSync(folder)) rmSync(join(folder, left));
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function behave(answer: Hostile['answer'] = well, object = OBJECT): void {
  const watched: Hostile['answer'] = (asked, socket, hostile) => {
    firsts.push(asked.range?.first ?? 0);
    answer(asked, socket, hostile);
  };
  server.behave({ object, etag: '"one"', answer: watched });
}

async function fetchIt(job: Partial<DownloadJob> = {}, config: Partial<EngineConfig> = {}) {
  const engine = createTransferEngine({ retry, sockets: { first: 1, most: 1, mostTls: 1 }, ...config });
  try {
    return await download({
      engine,
      probed: { identity: { totalBytes: OBJECT.length, etag: '"one"' }, ranges: true },
      sign: async () => ({ origin: `http://127.0.0.1:${server.port}`, target: '/object', headers: {} }),
      name: 'object',
      target,
      replace: false,
      partSize: PART,
      ...job,
    });
  } finally {
    await engine.close();
  }
}

describe('a download', () => {
  it('that was cut off goes on with the parts that are missing', async () => {
    behave((asked, socket, hostile) =>
      (asked.range?.first ?? 0) >= 5 * PART ? refuse(socket, '500 Internal') : well(asked, socket, hostile),
    );
    await expect(fetchIt()).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    expect(existsSync(target)).toBe(false);
    behave();
    firsts = [];
    expect(await fetchIt()).toMatchObject({ bytes: OBJECT.length, bytesRead: 3 * PART + 321 });
    expect(Math.min(...firsts)).toBe(5 * PART);
    expect(readFileSync(target).equals(OBJECT)).toBe(true);
    expect(readdirSync(folder)).toEqual(['object']);
  });

  it.each([
    ['another ETag', { probed: { identity: { totalBytes: OBJECT.length, etag: '"two"' }, ranges: true } }],
    ['nothing that names the object', { probed: { identity: { totalBytes: OBJECT.length }, ranges: true } }],
    ['another name', { name: 'other' }],
  ])('begins anew where there is %s', async (_, job) => {
    behave((asked, socket, hostile) =>
      (asked.range?.first ?? 0) >= 5 * PART ? refuse(socket, '500 Internal') : well(asked, socket, hostile),
    );
    await expect(fetchIt()).rejects.toMatchObject({ code: 'unavailable' });
    behave((asked, socket, hostile) => well(asked, socket, { ...hostile, etag: '"two"' }));
    const identity = { totalBytes: OBJECT.length, etag: '"two"' };
    const result = await fetchIt({ probed: { identity, ranges: true }, ...job });
    expect(result.bytesRead).toBe(OBJECT.length);
    expect(readFileSync(target).equals(OBJECT)).toBe(true);
  });

  it('believes no journal whose lines are torn or of nobody', async () => {
    writeFileSync(`${target}.part`, Buffer.alloc(OBJECT.length));
    const head = { schema: 'strata-fetch/1', source: `object ${OBJECT.length} "one"`, partSize: PART };
    writeFileSync(`${target}.part.journal`, `${JSON.stringify(head)}\n{"part":0,"crc32c":"0123\nnonsense\n{"part":-1}`);
    behave();
    expect(await fetchIt()).toMatchObject({ bytesRead: OBJECT.length });
    expect(readFileSync(target).equals(OBJECT)).toBe(true);
  });

  it.each([
    ['a link at its staging file', '.part', symlinkSync],
    ['another name at its staging file', '.part', linkSync],
    ['a link at its journal', '.part.journal', symlinkSync],
  ])('writes into nothing that %s leads to', async (_what, suffix, lay) => {
    const elsewhere = join(folder, 'elsewhere');
    const mine = Buffer.alloc(OBJECT.length, 7);
    writeFileSync(elsewhere, mine);
    lay(elsewhere, `${target}${suffix}`);
    behave();
    await fetchIt();
    expect(readFileSync(elsewhere).equals(mine)).toBe(true);
    expect(readFileSync(target).equals(OBJECT)).toBe(true);
  });

  it('does not touch a file that is there, unless it is told to replace it', async () => {
    writeFileSync(target, 'mine');
    behave();
    await expect(fetchIt()).rejects.toMatchObject({ code: 'exists' });
    expect(readFileSync(target, 'utf8')).toBe('mine');
    await fetchIt({ replace: true });
    expect(readFileSync(target).equals(OBJECT)).toBe(true);
  });

  it('of an empty object is an empty file', async () => {
    behave();
    const probed = { identity: { totalBytes: 0, etag: '"one"' }, ranges: true };
    expect(await fetchIt({ probed })).toMatchObject({ bytes: 0, crc32c: '00000000' });
    expect(readFileSync(target).length).toBe(0);
  });

  it('keeps to its bandwidth', async () => {
    behave();
    const started = performance.now();
    await fetchIt({}, { bytesPerSecond: OBJECT.length });
    expect(performance.now() - started).toBeGreaterThan(800);
  });

  it('with checksums that do not fit leaves nothing behind', async () => {
    behave();
    await expect(fetchIt({ expected: { crc32c: '00000000' } })).rejects.toMatchObject({ code: 'wrong-bytes' });
    await expect(fetchIt({ expected: { sha256: '0'.repeat(64) } })).rejects.toMatchObject({ code: 'wrong-bytes' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('sends its rights again to the same origin only', async () => {
    const seen: (string | undefined)[] = [];
    const other = await startHostileServer();
    other.behave({
      object: OBJECT,
      etag: '"one"',
      answer(asked, socket, hostile) {
        seen.push(asked.headers.get('authorization'));
        well(asked, socket, hostile);
      },
    });
    behave((_asked, socket) => refuse(socket, '302 Found', '', { Location: `http://127.0.0.1:${other.port}/cdn` }));
    const headers = { Authorization: 'Bearer secret' };
    const sign = async () => ({ origin: `http://127.0.0.1:${server.port}`, target: '/object', headers });
    await fetchIt({ sign });
    await other.close();
    expect(readFileSync(target).equals(OBJECT)).toBe(true);
    expect(new Set(seen)).toEqual(new Set([undefined]));
  });
});

describe('a silence', () => {
  const patient = { stallMs: 60_000, quietMs: 200 };
  const isFirst = (asked: Parameters<Hostile['answer']>[0]) => asked.count === 1;

  it.each([1, 4])('on one of %i connections lasts no longer than those of servers that answer', async (sockets) => {
    const failures: string[] = [];
    behave((asked, socket, hostile) => (isFirst(asked) ? undefined : well(asked, socket, hostile)));
    const onAgain = ({ kind }: { readonly kind: string }) => failures.push(kind);
    await fetchIt({}, { ...patient, sockets: { first: sockets, most: sockets, mostTls: sockets }, onAgain });
    expect(failures).toEqual(['slow']);
    expect(readFileSync(target).equals(OBJECT)).toBe(true);
  });

  it('of a server that is slow to answer everybody is waited for', async () => {
    let asked = 0;
    behave((one, socket, hostile) => {
      asked += 1;
      if (asked === 3) setTimeout(() => well(one, socket, hostile), 1500);
    });
    await fetchIt({ partSize: OBJECT.length }, patient);
    expect(asked).toBe(3);
  });

  it.each([
    ['do not come', () => new Promise<never>(() => undefined)],
    ['cannot be had', () => Promise.reject(new Error('The metadata service is restarting.'))],
  ])('of whom rights are asked, or rights that %s at first, are met by asking again', async (_, failing) => {
    behave();
    let asked = 0;
    const rights = async () => ({ origin: `http://127.0.0.1:${server.port}`, target: '/object', headers: {} });
    const sign = () => (++asked < 3 ? failing() : rights());
    await fetchIt({ sign }, { signMs: 100 });
    expect(asked).toBe(3);
  });

  it('that lasts is an error', async () => {
    behave();
    const sign = () => new Promise<never>(() => undefined);
    await expect(fetchIt({ sign }, { signMs: 100 })).rejects.toMatchObject({ code: 'access-denied' });
  });
});

describe('through a proxy', () => {
  let proxy: Server;
  let targets: string[] = [];
  beforeAll(async () => {
    proxy = createServer((incoming, outgoing) => {
      targets.push(`${incoming.method} ${incoming.url} ${incoming.headers['proxy-authorization']}`);
      const passed = httpRequest(incoming.url ?? '', { headers: incoming.headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      passed.end();
    });
    proxy.on('connect', (incoming, socket) => {
      targets.push(`CONNECT ${incoming.url}`);
      const port = Number(incoming.url?.split(':').at(-1));
      const through = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        through.pipe(socket).pipe(through);
      });
      through.on('error', () => undefined);
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    targets = [];
  });
  afterAll(async () => {
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  });

  const settings = (user = '') => {
    const url = `http://${user}127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    return { http: url, https: url, no: undefined };
  };

  it('plain requests name the whole URL, and the proxy its user', async () => {
    behave();
    await fetchIt({}, { proxies: settings('user:pass@') });
    expect(readFileSync(target).equals(OBJECT)).toBe(true);
    const basic = `Basic ${Buffer.from('user:pass').toString('base64')}`;
    expect(targets[0]).toBe(`GET http://127.0.0.1:${server.port}/object ${basic}`);
  });

  it('requests over TLS are tunnelled; what is behind the tunnel has to prove itself', async () => {
    behave();
    const sign = async () => ({ origin: `https://localhost:${server.port}`, target: '/object', headers: {} });
    await expect(fetchIt({ sign }, { proxies: settings() })).rejects.toMatchObject({ code: 'tls' });
    expect(targets[0]).toBe(`CONNECT localhost:${server.port}`);
  });

  it('an address over TLS is told by its certificate, and not by that of the proxy', async () => {
    const pem = selfSigned();
    const origin = await startHostileServer(pem);
    origin.behave({ object: OBJECT, etag: '"one"', answer: well });
    const config = { proxies: settings(), ca: pem.cert.toString() };
    const from = (host: string) => {
      const sign = async () => ({ origin: `https://${host}:${origin.port}`, target: '/object', headers: {} });
      return fetchIt({ sign }, config);
    };
    await expect(from('10.9.9.9')).rejects.toMatchObject({ code: 'tls' });
    expect(targets).toEqual([`CONNECT 10.9.9.9:${origin.port}`]);
    await from('127.0.0.1');
    expect(readFileSync(target).equals(OBJECT)).toBe(true);
    await origin.close();
  });
});
