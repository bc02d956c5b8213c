import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import { CommandReceipt } from '../../events/command-receipt/v1.ts';
import type { Command } from '../../events/host-command/v1.ts';
import { type HostSession, RegisterHost } from '../../events/host-api/v1.ts';
import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { createHostTokens } from '../../lib/adapters/embedded/hostTokens.ts';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import { generateKeyPair, signEnvelope } from '../../lib/fleet/index.ts';
import { blobDigest, blobKey, manifestKey, partHash } from '../../lib/shared/digest.ts';
import {
  ActionId,
  CorrelationId,
  type Digest,
  Generation,
  HostId,
  hostQueue,
  KeySegment,
  ModelName,
  SemVer,
} from '../../lib/shared/ids.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';
import { Bytes, EpochMs, MIB } from '../../lib/shared/units.ts';
import { createAgentEndpoint } from '../../runtime/agentEndpoint.ts';

/*
 * The real agent process on a real folder, and a plane over loopback: the embedded runtime's agent endpoint and queues, with
 * registration and blobs that a test controls and counts.
 */
export const PART = 8 * MIB;
const HOST = HostId.parse('gpu-a');
const GENERATION = Generation.parse(1);
const QUEUE = hostQueue(HOST, GENERATION);

export interface HostBlob {
  readonly digest: Digest;
  readonly size: Bytes;
}

/** Bytes that no two parts share: a multiplicative sequence, written as 32-bit words. */
export function madeBytes(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(size / 4) * 4);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let state = seed;
  for (let at = 0; at < words.length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[at] = state;
  }
  return bytes.subarray(0, size);
}

export async function createHostWorld() {
  const objects = new Map<string, Uint8Array>();
  const planeKey = generateKeyPair('plane-1', nodeRandom);
  const tokens = createHostTokens({ secret: 'test', clock: systemClock });
  const queues = createSqliteQueues({ database: openDatabase(':memory:'), clock: systemClock, random: nodeRandom });
  for (const queue of [QUEUE, 'receipts', 'heartbeats', 'accesses']) queues.define(queue);
  const counters = { bytesServed: 0, actions: 0 };

  const reader: ObjectReader = {
    async head(key) {
      const bytes = objects.get(key);
      if (bytes === undefined) return { outcome: 'absent' };
      const head = { key, versionId: 'v1', size: bytes.length, etag: 'e', storageClass: 'STANDARD' as const };
      return { outcome: 'found', head: { ...head, lastModified: EpochMs.parse(0), metadata: {} } };
    },
    async readRange(key, _version, offset, length) {
      const bytes = objects.get(key);
      if (bytes === undefined) return { outcome: 'absent' };
      if (!key.endsWith('.parts')) counters.bytesServed += length;
      return { outcome: 'read', bytes: bytes.subarray(offset, offset + length) };
    },
  };

  async function session(): Promise<HostSession> {
    return {
      protocol: 1,
      host: HOST,
      generation: GENERATION,
      queue: QUEUE,
      credentials: await tokens.issue(HOST, GENERATION),
      commandKeys: [{ keyId: planeKey.keyId, publicKey: planeKey.publicKey }],
      heartbeatSeconds: 10,
    };
  }

  const app = new Hono();
  app.route(
    '/agent',
    createAgentEndpoint({
      tokens,
      queues,
      objects: reader,
      reportQueues: new Set(['receipts', 'heartbeats', 'accesses']),
    }),
  );
  app.post('/v1/hosts/join', async (context) => {
    RegisterHost.parse(await context.req.json());
    return context.json(await session(), 201);
  });
  app.post('/v1/hosts/refresh', async (context) => context.json(await session()));
  const { server, port } = await listen(app);
  // The last long poll of an agent that died may still take a command to nowhere; so it is delivered again soon, and again.
  const redelivery = setInterval(() => queues.release(QUEUE), 300);

  function addBlob(size: number, seed = size): HostBlob {
    const bytes = madeBytes(size, seed);
    const parts = Array.from({ length: Math.ceil(size / PART) }, (_, at) =>
      partHash(bytes.subarray(at * PART, (at + 1) * PART)),
    );
    const digest = blobDigest(size, PART, parts);
    objects.set(blobKey(digest), bytes);
    const manifest = { schema: 'strata-parts-1', digest, size, partSize: PART, parts };
    objects.set(manifestKey(digest), Buffer.from(JSON.stringify(manifest)));
    return { digest, size: Bytes.parse(size) };
  }

  async function command(payload: Command): Promise<void> {
    counters.actions += 1;
    const now = systemClock.now();
    const body = {
      schema: 'host-command/1' as const,
      actionId: ActionId.parse(`a-${counters.actions}`),
      host: HOST,
      generation: GENERATION,
      issuedAt: now,
      expiresAt: EpochMs.parse(now + 3_600_000),
      correlationId: CorrelationId.parse('kill-test'),
      command: payload,
    };
    await queues.send(QUEUE, [{ body: JSON.stringify(signEnvelope(body, planeKey)) }]);
  }

  async function receipts(): Promise<CommandReceipt[]> {
    const found: CommandReceipt[] = [];
    for (;;) {
      const messages = await queues.receive('receipts', 10, 0, 1);
      if (messages.length === 0) return found;
      for (const { body, receiptHandle } of messages) {
        found.push(CommandReceipt.parse(JSON.parse(SignedEnvelope.parse(JSON.parse(body)).payload)));
        await queues.remove('receipts', receiptHandle);
      }
    }
  }

  return {
    url: `http://127.0.0.1:${port}`,
    counters,
    addBlob,
    command,
    receipts,
    prefetch: (blob: HostBlob) => command(prefetchOf(blob)),
    close() {
      clearInterval(redelivery);
      server.close();
    },
  };
}

export type HostWorld = Awaited<ReturnType<typeof createHostWorld>>;

function prefetchOf({ digest, size }: HostBlob): Command {
  const entry = {
    model: ModelName.parse('big'),
    version: SemVer.parse('1.0.0'),
    file: KeySegment.parse('big.safetensors'),
  };
  return {
    type: 'prefetch',
    digest,
    size,
    origin: { key: blobKey(digest), versionId: 'v1' },
    entries: [{ ...entry, kind: 'checkpoints', role: 'weights', publishedAt: EpochMs.parse(1) }],
  };
}

export interface AgentProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Rejects when the process dies first. */
  readonly ready: Promise<void>;
}

export interface AgentOptions {
  readonly data: string;
  readonly bandwidth?: string;
  readonly capacity?: string;
  readonly failpoint?: string;
  /** Words put before the command line. */
  readonly within?: readonly string[];
}

const alive = new Set<ChildProcess>();

/** Ends whatever a failed test has left running. */
export function killLeftovers(): void {
  for (const child of alive) child.kill('SIGKILL');
}

export function startAgent(world: HostWorld, options: AgentOptions): AgentProcess {
  const flags = {
    '--plane': world.url,
    '--host': HOST,
    '--data': options.data,
    '--join-token': 'once',
    '--port': 'none',
    '--headroom': '0',
    '--part-size': String(PART),
    '--capacity': options.capacity ?? '1GB',
    '--idle-pause-seconds': '0',
    '--log-level': 'error',
    ...(options.bandwidth === undefined ? {} : { '--bandwidth': options.bandwidth }),
  };
  const line = [
    ...(options.within ?? []),
    process.execPath,
    'agent/main.ts',
    ...Object.entries(flags).flat(),
    '--exit-with-parent',
  ];
  const [program = '', ...args] = line;
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...(options.failpoint === undefined ? {} : { STRATA_FAILPOINT: options.failpoint }) },
  });
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  const exited: AgentProcess['exited'] = new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', () => reject(new Error('The agent died before it was ready.')));
  });
  ready.catch(() => undefined);
  return { child, exited, ready };
}

export async function kill({ child, exited }: AgentProcess): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}

/** Every file that stands under a blob's name. */
export async function visibleBlobs(data: string): Promise<readonly { path: string; name: string; size: number }[]> {
  const found = [];
  for (const folder of await readdir(join(data, 'blobs')).catch(() => [])) {
    for (const name of await readdir(join(data, 'blobs', folder))) {
      const path = join(data, 'blobs', folder, name);
      const size = (await stat(path).catch(() => undefined))?.size;
      if (size !== undefined) found.push({ path, name, size });
    }
  }
  return found;
}

/** Bytes that blobs and staging files take on the device. */
export async function bytesTaken(data: string): Promise<number> {
  let sum = 0;
  for (const { path } of await visibleBlobs(data)) sum += await allocated(path);
  for (const name of await readdir(join(data, 'staging')).catch(() => []))
    sum += await allocated(join(data, 'staging', name));
  return sum;
}

async function allocated(path: string): Promise<number> {
  return ((await stat(path).catch(() => undefined))?.blocks ?? 0) * 512;
}

/** The digest of a visible blob, computed by this process from the bytes on the disk. */
export async function digestOf(path: string): Promise<string> {
  const bytes = await readFile(path);
  const count = Math.ceil(bytes.length / PART);
  const parts = Array.from({ length: count }, (_, at) => partHash(bytes.subarray(at * PART, (at + 1) * PART)));
  return blobDigest(bytes.length, PART, parts);
}

export async function scratchFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'strata-agent-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  ms = 60_000,
): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`Not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function listen(app: Hono): Promise<{ server: ServerType; port: number }> {
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve({ server, port }));
  });
}
