import { closeSync, constants, fsyncSync, lstatSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { HostFacts, Measured } from '../../operations/index.ts';
import { judgeHostSettings } from '../../tuning/index.ts';
import { readHost } from '../tuning/readHost.ts';
import { cgroupMemory } from './cgroupMemory.ts';
import { volumeSpace } from './volumeSpace.ts';

export interface InspectedHost {
  /** The agent's data folder, or another of its volumes. */
  readonly folder: string;
  readonly plane: string;
  /** Where the origin answers: the bucket's URL. */
  readonly objects: string;
}

const PROBE = '.strata-doctor';
const BLOCK = 4096;
const FSYNCS = 50;
const DEADLINE_MS = 5_000;

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
export async function inspectHost({ folder, plane, objects }: InspectedHost): Promise<HostFacts> {
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
    plane: await measure(() => ask(plane)),
    objects: await measure(() => ask(objects)),
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

/** Any answer will do: what is asked is whether the way there is open, and what time it is there. */
async function ask(url: string): Promise<{ status: number; wallMs: number; aheadMs: number | undefined }> {
  const started = Date.now();
  const answer = await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(DEADLINE_MS) });
  const ended = Date.now();
  const date = Date.parse(answer.headers.get('date') ?? '');
  const aheadMs = Number.isNaN(date) ? undefined : date + 500 - (started + ended) / 2;
  return { status: answer.status, wallMs: ended - started, aheadMs };
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
