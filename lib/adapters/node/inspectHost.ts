import { closeSync, constants, fsyncSync, lstatSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { HostFacts, Measured, PlaneAnswer, Registration } from '../../operations/index.ts';
import { judgeHostSettings } from '../../tuning/index.ts';
import { readHost } from '../tuning/readHost.ts';
import { cgroupMemory } from './cgroupMemory.ts';
import { volumeSpace } from './volumeSpace.ts';

export interface InspectedHost {
  /** The agent's data folder, or another of its volumes. */
  readonly folder: string;
  readonly plane: string;
  /** Finds where the origin answers, the bucket's URL; or why there is none. */
  readonly objects: (() => Promise<string>) | 'by-plane' | 'no-bucket';
  /** What the agent is given to register with. */
  readonly join: { readonly byIdentity: boolean; readonly token?: string; readonly tokenFile?: string };
}

const PROBE = '.strata-doctor';
const BLOCK = 4096;
const FSYNCS = 50;
const DEADLINE_MS = 5_000;
/** A plane says what is wrong in far fewer. */
const MOST_ANSWER_BYTES = 64 * 1024;

/** Of linux/magic.h. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
  0xf2f52010: 'f2fs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
  0x6969: 'nfs',
  0x65735546: 'fuse',
};

/** Measures what `judgeHost` judges. Writes one small file into the folder and removes it; never rejects. */
export async function inspectHost({ folder, plane, objects, join: joins }: InspectedHost): Promise<HostFacts> {
  const memory = await cgroupMemory();
  return {
    user: { uid: process.getuid?.() ?? 0, nodeVersion: process.version },
    folder: await measure(() => folderFacts(folder)),
    fileSystem: await measure(async () => {
      const { type } = await statfs(folder);
      return FILE_SYSTEMS[type] ?? `unknown (0x${type.toString(16)})`;
    }),
    space: await measure(() => volumeSpace(folder)),
    directIo: await measure(() => withProbe(folder, constants.O_DIRECT, writesAligned)).then(refusedIsAnAnswer),
    fsync: await measure(() => withProbe(folder, 0, fsyncTimes)),
    plane: await measure(() => askPlane(plane)),
    registration: await measure(() => registrationOf(folder, joins)),
    objects: typeof objects === 'string' ? objects : await measure(async () => ask(await objects())),
    openFiles: await measure(openFiles),
    memoryLimitBytes: memory?.limitBytes,
    tuning: await measure(async () =>
      judgeHostSettings(await readHost('/', folder)).flatMap(({ setting, farOff }) => (farOff ? [setting] : [])),
    ),
    agent: await measure(() => agentHealth(join(folder, 'agent.sock'))),
  };
}

async function measure<T>(work: () => T | Promise<T>): Promise<Measured<T>> {
  try {
    return { outcome: 'measured', value: await work() };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return { outcome: 'failed', message: `${error instanceof Error ? error.message : String(error)}${cause}` };
  }
}

function folderFacts(folder: string) {
  const found = lstatSync(folder);
  const kind = found.isDirectory() ? 'directory' : found.isSymbolicLink() ? 'link' : 'other';
  return { mode: found.mode & 0o7777, owner: found.uid, kind } as const;
}

function withProbe<T>(folder: string, flags: number, work: (file: number) => T): T {
  const path = join(folder, PROBE);
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | flags, 0o600);
  try {
    return work(file);
  } finally {
    closeSync(file);
    unlinkSync(path);
  }
}

/** Node tells no addresses, so the aligned place in the buffer is found by trying. */
function writesAligned(file: number): boolean {
  const buffer = Buffer.allocUnsafeSlow(3 * BLOCK).fill(0);
  for (let offset = 0; offset < BLOCK; offset += 8) {
    try {
      writeSync(file, buffer, offset, BLOCK, 0);
      return true;
    } catch (error) {
      if (!isInvalid(error)) throw error;
    }
  }
  return false;
}

/** A file system without O_DIRECT refuses to open. */
function refusedIsAnAnswer(measured: Measured<boolean>): Measured<boolean> {
  const refused = measured.outcome === 'failed' && measured.message.startsWith('EINVAL');
  return refused ? { outcome: 'measured', value: false } : measured;
}

function isInvalid(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EINVAL';
}

function fsyncTimes(file: number): { readonly medianMs: number; readonly p99Ms: number } {
  const block = Buffer.alloc(BLOCK, 1);
  const times = Array.from({ length: FSYNCS }, (_, at) => {
    const started = performance.now();
    writeSync(file, block, 0, BLOCK, at * BLOCK);
    fsyncSync(file);
    return performance.now() - started;
  }).toSorted((one, other) => one - other);
  const at = (share: number) => times[Math.min(FSYNCS - 1, Math.floor(share * FSYNCS))] ?? Number.NaN;
  return { medianMs: at(0.5), p99Ms: at(0.99) };
}

async function ask(url: string): Promise<{ readonly status: number; readonly wallMs: number }> {
  const started = Date.now();
  const answer = await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(DEADLINE_MS) });
  return { status: answer.status, wallMs: Date.now() - started };
}

/** As planes answer what they refuse (RFC 9457), whichever of their parts does. */
const Problem = z.object({ code: z.string(), title: z.string(), hint: z.string() });

/** A question of nothing, which the host API refuses before it looks anything up. */
async function askPlane(plane: string): Promise<PlaneAnswer> {
  const started = Date.now();
  const answer = await fetch(new URL('/v1/resolve', plane), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
    redirect: 'manual',
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const ended = Date.now();
  const date = Date.parse(answer.headers.get('date') ?? '');
  const aheadMs = Number.isNaN(date) ? undefined : date + 500 - (started + ended) / 2;
  const problem = Problem.safeParse(await shortJson(answer)).data;
  return { status: answer.status, wallMs: ended - started, aheadMs, ...(problem === undefined ? {} : { problem }) };
}

/** Undefined where the body is long, or no JSON; what is beyond the limit is not read. */
async function shortJson({ body }: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.length;
      if (bytes > MOST_ANSWER_BYTES) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return jsonOf(Buffer.concat(chunks).toString());
}

const Kept = z.object({ current: z.optional(z.object({ session: z.object({ host: z.string() }) })) });
const JOIN_TOKEN = /^strata-join-[0-9a-f]{64}$/;

async function registrationOf(folder: string, joins: InspectedHost['join']): Promise<Registration> {
  const { byIdentity, token, tokenFile } = joins;
  const kept = await textOf(join(folder, 'state', 'session.json'));
  const host = kept === undefined ? undefined : Kept.safeParse(jsonOf(kept)).data?.current?.session.host;
  const given = token ?? (tokenFile === undefined ? undefined : await textOf(tokenFile))?.trim();
  const by =
    given === undefined ? (byIdentity ? 'identity' : 'nothing') : JOIN_TOKEN.test(given) ? 'token' : 'malformed-token';
  return host === undefined ? { by } : { by, host };
}

/** Undefined where the file is not there. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function openFiles(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

function agentHealth(socketPath: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: '/v1/health', timeout: DEADLINE_MS }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? 'ready' : 'starting');
    });
    call.once('timeout', () => call.destroy(new Error('The socket does not answer.')));
    call.once('error', (error) => {
      const absent = 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED');
      if (absent) resolve(undefined);
      else reject(error);
    });
    call.end();
  });
}
