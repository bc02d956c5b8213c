import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { serve, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import { onTestFailed } from 'vitest';
import * as z from 'zod/mini';
import { LEDGER_PATH } from '../../agent/nvme/paths.ts';
import { LedgerRecord } from '../../agent/nvme/records.ts';
import { CommandReceipt } from '../../events/command-receipt/v1.ts';
import type { Command } from '../../events/host-command/v1.ts';
import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import { blobDigest, partHash } from '../../lib/shared/digest.ts';
import type { Host } from '../../lib/catalog/index.ts';
import { Generation, HostId, hostQueue } from '../../lib/shared/ids.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';
import { MIB } from '../../lib/shared/units.ts';
import { createAgentEndpoint } from '../../runtime/agentEndpoint.ts';
import { builtAgent } from '../support/builtPrograms.ts';
import { madeBytes } from '../support/madeBytes.ts';
import { createAgentPlane, REPORT_QUEUES, type TestBlob } from '../support/agentPlane.ts';

/*
 * The real agent process on a real folder, and a plane over loopback: the embedded runtime's agent endpoint and queues, the
 * host API, and blobs of which a test counts what is read.
 */
export const PART = 8 * MIB;

export type HostBlob = Pick<TestBlob, 'digest' | 'size'>;

export async function createHostWorld(partSize = PART) {
  const bucket = await makeFolder();
  const clock = systemClock;
  const plane = createAgentPlane({
    clock,
    random: nodeRandom,
    disk: await createNodeDisk(bucket.path),
    partSize,
  });
  const joinToken = await plane.joinToken('gpu-*', 100);
  const counters = { bytesServed: 0 };
  /** Every range of a blob that was asked for, in order. */
  const reads: { readonly key: string; readonly offset: number; readonly length: number }[] = [];
  /** Commands wait here until the host that is meant has registered. */
  const unsent: Command[] = [];
  let host: HostId | undefined;

  const reader: ObjectReader = {
    ...plane.reader,
    async readRange(key, version, offset, length) {
      if (!key.endsWith('.parts')) {
        counters.bytesServed += length;
        reads.push({ key, offset, length });
      }
      return plane.reader.readRange(key, version, offset, length);
    },
  };

  async function sendCommands(): Promise<void> {
    const row = host === undefined ? undefined : await plane.host(host);
    if (row === undefined) return;
    for (const command of unsent.splice(0)) plane.command(row.id, row.generation, command);
    await plane.ready();
  }

  const app = new Hono();
  const reportQueues = new Set<string>(REPORT_QUEUES);
  app.route(
    '/agent',
    createAgentEndpoint({ tokens: plane.tokens, queues: plane.queues, objects: reader, reportQueues }),
  );
  app.post('/v1/*', async (context) => {
    const answer = await plane.call({ path: context.req.path, body: await context.req.text() });
    await sendCommands();
    return new Response(answer.body, { status: answer.statusCode });
  });
  const { server, port } = await listen(app);
  // The last long poll of an agent that died may still take a command to nowhere; so it is delivered again soon, and again.
  const redelivery = setInterval(() => {
    for (const { queue } of plane.queues.counts()) if (queue.startsWith('host-')) plane.queues.release(queue);
  }, 300);

  async function registered(): Promise<Host> {
    const row = host === undefined ? undefined : await plane.host(host);
    if (row === undefined) throw new Error('The host has not registered.');
    return row;
  }

  async function receipts(): Promise<CommandReceipt[]> {
    const found: CommandReceipt[] = [];
    for (;;) {
      const messages = await plane.queues.receive('receipts', 10, 0, 1);
      if (messages.length === 0) return found;
      for (const { body, receiptHandle } of messages) {
        found.push(CommandReceipt.parse(JSON.parse(SignedEnvelope.parse(JSON.parse(body)).payload)));
        await plane.queues.remove('receipts', receiptHandle);
      }
    }
  }

  return {
    url: `http://127.0.0.1:${port}`,
    joinToken,
    partSize,
    counters,
    reads,
    addBlob: (size: number, seed = size) => plane.addBlob(madeBytes(size, seed)),
    /** The newest version of `tiny`, of one file. */
    publishBlob(size: number, seed = size): HostBlob {
      const blob = plane.addBlob(madeBytes(size, seed));
      plane.publish('latest', { 'weights.safetensors': blob });
      return blob;
    },
    generation: async () => (await registered()).generation,
    /** As after a day of silence: its generation is over. */
    async retire(): Promise<void> {
      plane.retire((await registered()).id);
      await plane.ready();
    },
    /** What lies in the host's queue of a generation, the last long poll's of an agent that died included; it stays there. */
    async queued(generation: number): Promise<readonly string[]> {
      const queue = hostQueue((await registered()).id, Generation.parse(generation));
      plane.queues.release(queue);
      const messages = await plane.queues.receive(queue, 10, 0, 1);
      plane.queues.release(queue);
      return messages.map(({ body }) => body);
    },
    async enqueue(generation: number, body: string): Promise<void> {
      plane.enqueue((await registered()).id, generation, body);
      await plane.ready();
    },
    receipts,
    /** The host of this store: each store is one of its own. Commands are for the one that was started last. */
    hostOf(data: string): HostId {
      host = HostId.parse(
        `gpu-${basename(data)
          .toLowerCase()
          .replaceAll(/[^a-z0-9]/g, '')}`,
      );
      return host;
    },
    async command(command: Command): Promise<void> {
      unsent.push(command);
      await sendCommands();
    },
    async prefetch(blob: HostBlob, file = 'big.safetensors'): Promise<void> {
      unsent.push(plane.prefetchOf(blob, file));
      await sendCommands();
    },
    async close() {
      clearInterval(redelivery);
      server.close();
      await bucket.remove();
    },
  };
}

export type HostWorld = Awaited<ReturnType<typeof createHostWorld>>;

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
  readonly volumes?: string;
  /** By how many milliseconds the wall clock of the process jumps at each SIGUSR2. */
  readonly clockJumps?: readonly number[];
  /** Words put before the command line. */
  readonly within?: readonly string[];
}

const AGENT = await builtAgent();
const alive = new Set<ChildProcess>();

/** Folders of tests that have not been removed yet. */
const folders = new Set<string>();

/** Ends whatever a failed test has left running, and removes the folders that it has left behind. */
export async function endLeftovers(): Promise<void> {
  const ended = [...alive].map((child) => new Promise<void>((resolve) => child.once('exit', () => resolve())));
  for (const child of alive) child.kill('SIGKILL');
  await Promise.all(ended);
  await Promise.all([...folders].map(removeFolder));
}

/** Within a test, which shows what the agent has told on standard error where it fails. */
export function startAgent(world: HostWorld, options: AgentOptions): AgentProcess {
  const flags = {
    '--plane': world.url,
    '--host': world.hostOf(options.data),
    '--data': options.data,
    '--join-token': world.joinToken,
    '--port': 'none',
    '--headroom': '0',
    '--part-size': String(world.partSize),
    '--capacity': options.capacity ?? '1GB',
    '--idle-pause-seconds': '0',
    '--log-level': 'error',
    ...(options.bandwidth === undefined ? {} : { '--bandwidth': options.bandwidth }),
    ...(options.volumes === undefined ? {} : { '--volumes': options.volumes }),
  };
  const line = [
    ...(options.within ?? []),
    process.execPath,
    ...(options.clockJumps === undefined ? [] : ['--import', './test/agent/jumpingClock.ts']),
    // On a volume of its own it fills it as it does on a host.
    options.within === undefined ? AGENT : 'agent/bin.js',
    ...Object.entries(flags).flat(),
    '--exit-with-parent',
  ];
  const [program = '', ...args] = line;
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      // Where nobody has compiled it before.
      ...(options.within === undefined ? {} : { NODE_COMPILE_CACHE: undefined }),
      ...(options.failpoint === undefined ? {} : { STRATA_FAILPOINT: options.failpoint }),
      ...(options.clockJumps === undefined ? {} : { STRATA_TEST_CLOCK_JUMPS: options.clockJumps.join() }),
    },
  });
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  onTestFailed(() => {
    if (told !== '') console.error(`What ${flags['--host']} told on standard error:\n${told}`);
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

/** Asks the agent of this store as an inference process does. */
export function localApi(
  data: string,
  method: 'GET' | 'PUT' | 'DELETE',
  path: string,
): Promise<{ readonly status: number | undefined; readonly body: unknown }> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: join(data, 'agent.sock'), method, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode, body: text === '' ? undefined : JSON.parse(text) });
      });
    });
    asking.on('error', reject);
    asking.end();
  });
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
export async function digestOf(path: string, partSize = PART): Promise<string> {
  const file = await open(path);
  try {
    const part = Buffer.allocUnsafe(partSize);
    const parts = [];
    let size = 0;
    for (;;) {
      const { bytesRead } = await file.read(part, 0, partSize, size);
      size += bytesRead;
      if (bytesRead > 0) parts.push(partHash(part.subarray(0, bytesRead)));
      if (bytesRead < partSize) return blobDigest(size, partSize, parts);
    }
  } finally {
    await file.close();
  }
}

interface Folder {
  readonly path: string;
  remove(): Promise<void>;
}

/** A folder of one test, which `endLeftovers` removes where the test does not. */
export async function scratchFolder(): Promise<Folder> {
  const folder = await makeFolder();
  folders.add(folder.path);
  return folder;
}

async function makeFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'strata-agent-'));
  return { path, remove: () => removeFolder(path) };
}

async function removeFolder(path: string): Promise<void> {
  // Somebody may still write into it who was told to end a moment ago.
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  folders.delete(path);
}

/** The parts of the blob that the ledger says are staged: written, checked and synced. */
export async function recordedParts(data: string): Promise<ReadonlySet<number>> {
  const parts = new Set<number>();
  const text = await readFile(join(data, LEDGER_PATH), 'utf8').catch(() => '');
  for (const line of text.split('\n').slice(0, -1)) {
    const json = line.slice(9);
    if (crc32(json).toString(16).padStart(8, '0') !== line.slice(0, 8)) continue;
    for (const record of z.array(LedgerRecord).parse(JSON.parse(json)))
      if (record.is === 'part') parts.add(record.part);
  }
  return parts;
}

export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  ms = 100_000,
  everyMs = 20,
): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`Not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

function listen(app: Hono): Promise<{ server: ServerType; port: number }> {
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve({ server, port }));
  });
}
