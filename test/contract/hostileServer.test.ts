import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RETRY_LIMITS } from '../../lib/adapters/transfer/decideRetry.ts';
import { download, type Downloaded } from '../../lib/adapters/transfer/download/download.ts';
import { FetchError, fetchError } from '../../lib/adapters/transfer/download/fetchError.ts';
import { probe } from '../../lib/adapters/transfer/download/probe.ts';
import { createTransferEngine, type TransferEngine } from '../../lib/adapters/transfer/engine.ts';
import { createConnections } from '../../lib/adapters/transfer/http/connections.ts';
import { MIB } from '../../lib/shared/units.ts';
import { madeBytes } from '../support/madeBytes.ts';
import { HOSTILE_CASES } from './hostile/cases.ts';
import { selfSigned } from './hostile/certificate.ts';
import { type HostileServer, startHostileServer, well } from './hostile/server.ts';

const OBJECT = madeBytes(2 * MIB + 12_345, 7);
const HASH = createHash('sha256').update(OBJECT).digest('hex');
const retry = { ...RETRY_LIMITS, basePauseMs: 1, mostPauseMs: 20 };
const proxies = { http: undefined, https: undefined, no: undefined };
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'strata-hostile-')));
const target = join(folder, 'object');
const TLS_SERVERS = ['has a certificate that nobody vouches for', 'speaks plain HTTP where TLS is expected'] as const;

async function fetchFrom(
  engine: TransferEngine,
  origin: string,
  options: { readonly knowsHashes?: boolean; readonly ca?: string } = {},
): Promise<Downloaded> {
  const sign = async () => ({ origin, target: '/object', headers: {} });
  const connections = createConnections({ proxies, ca: options.ca }, () => performance.now());
  const probed = await probe({ connections, retry, timeoutMs: 300, sign });
  connections.close();
  if ('failure' in probed) throw fetchError(probed.failure, probed.retryable);
  const partHashes = options.knowsHashes === true ? { partHashes: [HASH] } : {};
  const limit = { mostBytes: 8 * MIB };
  return download({ engine, probed, sign, name: 'object', target, replace: false, ...partHashes, ...limit });
}

/** The outcome as the table names it, after making sure of what it says. */
async function outcomeOf(fetching: Promise<Downloaded>): Promise<string> {
  try {
    await fetching;
    expect(readFileSync(target).equals(OBJECT)).toBe(true);
    expect(readdirSync(folder)).toEqual(['object']);
    return 'recovered';
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    expect(existsSync(target)).toBe(false);
    expect(error.message.length).toBeGreaterThan(10);
    return error.code;
  } finally {
    for (const left of readdirSync(folder)) rmSync(join(folder, left));
  }
}

const engineOptions = { retry, stallMs: 300, quietMs: 200, slowMs: 700, slowBytesPerSecond: 16_384, proxies };

describe('a server that', () => {
  let server: HostileServer;
  let engine: TransferEngine;
  beforeAll(async () => {
    server = await startHostileServer();
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it.each(HOSTILE_CASES)('$server: $outcome', async ({ outcome, answer, knowsHashes }) => {
    engine = createTransferEngine(engineOptions);
    server.behave({ object: OBJECT, etag: '"one"', answer });
    const origin = `http://127.0.0.1:${server.port}`;
    const found = await outcomeOf(fetchFrom(engine, origin, { knowsHashes: knowsHashes === true }));
    await engine.close();
    expect(found).toBe(outcome);
  });

  describe('speaks TLS', () => {
    const pem = selfSigned();
    let secure: HostileServer;
    beforeAll(async () => {
      secure = await startHostileServer(pem);
      secure.behave({ object: OBJECT, etag: '"one"', answer: well });
      server.behave({ object: OBJECT, etag: '"one"', answer: well });
    });
    afterAll(() => secure.close());

    it('with a certificate that is trusted: recovered', async () => {
      const ca = pem.cert.toString();
      engine = createTransferEngine({ ...engineOptions, ca });
      expect(await outcomeOf(fetchFrom(engine, `https://localhost:${secure.port}`, { ca }))).toBe('recovered');
      await engine.close();
    });

    it.each(TLS_SERVERS)('and %s: tls', async (server_) => {
      engine = createTransferEngine(engineOptions);
      const port = server_ === TLS_SERVERS[0] ? secure.port : server.port;
      expect(await outcomeOf(fetchFrom(engine, `https://localhost:${port}`))).toBe('tls');
      await engine.close();
    });
  });
});

it('docs/transfer.md tells of each of them', () => {
  const rows = [
    ...HOSTILE_CASES.map(({ server, outcome }) => `| ${server} | ${outcome} |`),
    ...TLS_SERVERS.map((server) => `| ${server} | tls |`),
  ];
  const text = readFileSync(join(import.meta.dirname, '../../docs/transfer.md'), 'utf8');
  const told = text.split('\n').filter((line) => /^\| .* \| [a-z][a-z-]+ \|$/.test(line));
  expect(told).toEqual(rows);
});
