import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import * as z from 'zod/mini';
import { GIB } from '../../lib/shared/units.ts';
import type { Client, ClientCommand } from './clients.ts';
import { checksumOf } from './object.ts';
import type { Origin } from './origins.ts';

/** One run of one client. Seconds and bytes of the CPU and the clock are those of the whole process, or of our fetch alone. */
export interface Row {
  readonly client: string;
  readonly target: string;
  readonly wallSeconds: number;
  readonly cpuSecondsPerGiB: number;
  readonly verified: boolean;
  /** How long everything on this machine waited for memory meanwhile; 0 where the kernel does not tell. */
  readonly memoryStallMs: number;
  readonly maxRssBytes?: number;
  readonly eventLoopP99Ms?: number;
  /** The longest time in which no byte came. */
  readonly longestGapMs?: number;
  /** Tries of ranges that failed and were followed by another, by kind. */
  readonly triedAgain?: Readonly<Record<string, number>>;
}

const Ours = z.object({
  wallSeconds: z.number(),
  cpuSeconds: z.number(),
  maxRssBytes: z.number(),
  eventLoopP99Ms: z.number(),
  longestGapMs: z.number(),
  triedAgain: z.record(z.string(), z.number()),
});

export function measureFetch(client: Client, target: string, origin: Origin, file: string): Row | undefined {
  const command = client.fetch(origin, file);
  if (command === undefined) return undefined;
  const ran = runTimed(command);
  const verified = ran.ok && checksumOf(file) === origin.crc32c;
  rmSync(file, { force: true });
  if (!verified) process.stderr.write(`${client.name} failed: ${ran.said}\n`);
  const gib = origin.bytes / GIB;
  const common = { client: client.name, target, verified, memoryStallMs: ran.memoryStallMs };
  if (!client.tellsItself || !verified) {
    return { ...common, wallSeconds: ran.wall, cpuSecondsPerGiB: ran.cpu / gib };
  }
  const { cpuSeconds, ...told } = Ours.parse(JSON.parse(ran.output));
  return { ...common, ...told, cpuSecondsPerGiB: cpuSeconds / gib };
}

/** What was sent is fetched back by curl and compared. */
export function measureUpload(
  client: Client,
  target: string,
  origin: Origin,
  file: string,
  back: string,
): Row | undefined {
  if (origin.s3 === undefined) return undefined;
  const key = `sent-by-${client.name}`;
  const command = client.send?.({ ...origin.s3, key }, origin.ca, file);
  if (command === undefined) return undefined;
  const ran = runTimed(command);
  const url = `${origin.s3.endpoint}/${origin.s3.bucket}/${key}`;
  runTimed({ command: 'curl', args: ['-sSf', '--cacert', origin.ca, '-o', back, url] });
  const verified = ran.ok && checksumOf(back) === origin.crc32c;
  rmSync(back, { force: true });
  runTimed({ command: 'curl', args: ['-sSf', '--cacert', origin.ca, '-X', 'DELETE', url] });
  // It would fill the memory in which it lies.
  rmSync(origin.s3.trash, { recursive: true, force: true });
  mkdirSync(origin.s3.trash);
  if (!verified) process.stderr.write(`${client.name} failed: ${ran.said}\n`);
  const cpuSecondsPerGiB = ran.cpu / (origin.bytes / GIB);
  const { wall: wallSeconds, memoryStallMs } = ran;
  return { client: client.name, target, wallSeconds, cpuSecondsPerGiB, verified, memoryStallMs };
}

function runTimed({ command, args, env }: ClientCommand) {
  // What the page cache still holds is not to be this one's burden.
  spawnSync('sync');
  // bash's `time` counts the CPU of the child alone, to the millisecond.
  const stalledBefore = memoryStallMs();
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"';
  const ran = spawnSync('bash', ['-c', script, 'bash', command, ...args], {
    // Nothing of the machine's own settings: no proxies, no other certificates.
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
    encoding: 'utf8',
  });
  const lines = ran.stderr.trim().split('\n');
  const [wall = 0, user = 0, system = 0] = (lines.at(-1) ?? '').split(' ').map(Number);
  const said = lines.slice(0, -1).join(' ').slice(0, 500);
  const stalled = memoryStallMs() - stalledBefore;
  return { ok: ran.status === 0, wall, cpu: user + system, output: ran.stdout, said, memoryStallMs: stalled };
}

/** Pressure stall information: https://docs.kernel.org/accounting/psi.html */
function memoryStallMs(): number {
  try {
    const [, microseconds] = /^full .*total=(\d+)/m.exec(readFileSync('/proc/pressure/memory', 'utf8')) ?? [];
    return Math.round(Number(microseconds ?? 0) / 1000);
  } catch {
    return 0;
  }
}
