import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import { crc32cHex, createCrc32c, RESERVED_BYTES } from '../../lib/shared/crc32c/index.ts';
import { GIB, MIB } from '../../lib/shared/units.ts';
import { type Client, type ClientCommand, clients, versionOf } from './clients.ts';
import { type Origin, startOrigins } from './origins.ts';

/**
 * `npm run bench -- transfer [--json] [--rounds 7] [--mib 1024] [--origins nginx,minio-tls] [--clients curl,strata] [--places disk,shm]`:
 * downloaders side by side, interleaved, each file checked afterwards. Peers are measured as whole processes; ours is
 * measured from a running process, as the agent is one, and syncs what it has written, which the peers leave to the kernel.
 */
interface Row {
  readonly client: string;
  readonly target: string;
  readonly wallSeconds: number;
  readonly cpuSecondsPerGiB: number;
  readonly verified: boolean;
  readonly maxRssBytes?: number;
  readonly eventLoopP99Ms?: number;
}

const Ours = z.object({
  wallSeconds: z.number(),
  cpuSeconds: z.number(),
  maxRssBytes: z.number(),
  eventLoopP99Ms: z.number(),
});
const CHUNK = MIB;
const memory = new WebAssembly.Memory({ initial: (RESERVED_BYTES + CHUNK) / 65_536 });
const crc32c = createCrc32c(memory);
const chunk = new Uint8Array(memory.buffer, RESERVED_BYTES, CHUNK);

export async function run(args: readonly string[]): Promise<void> {
  const list = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean' }, rounds: list, mib: list, origins: list, clients: list, places: list },
  });
  const wanted = (names: string | undefined, name: string) => names === undefined || names.split(',').includes(name);
  const scratch = mkdtempSync(join(tmpdir(), 'strata-bench-transfer-'));
  const shm = mkdtempSync('/dev/shm/strata-bench-');
  const bytes = Number(values.mib ?? 1024) * MIB;
  mkdirSync(join(scratch, 'www'));
  const started = await startOrigins({
    folder: scratch,
    file: 'object.bin',
    bytes,
    crc32c: makeObject(join(scratch, 'www/object.bin'), bytes),
  });
  // A bench that is ended leaves no server behind.
  process.once('exit', started.stop);
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143));
  const say = (line: string) => (values.json === true ? process.stderr : process.stdout).write(`${line}\n`);
  try {
    for (const line of [...started.versions, ...started.missing.map((one) => `MISSING ${one}`)]) say(line);
    const all = clients(scratch).filter(({ name }) => wanted(values.clients, name));
    const present = all.filter((client) => {
      const version = versionOf(client);
      say(version === undefined ? `MISSING ${client.name}: ${client.hint}` : `${client.name}: ${version}`);
      return version !== undefined;
    });
    const places = [
      ['disk', scratch],
      ['shm', shm],
    ] as const;
    const rows: Row[] = [];
    for (const origin of started.origins.filter(({ name }) => wanted(values.origins, name))) {
      for (const [place, folder] of places.filter(([name]) => wanted(values.places, name))) {
        const found = measureRounds(present, origin, place, join(folder, 'out'), Number(values.rounds ?? 7), say);
        rows.push(...found);
        if (values.json === true) for (const row of found) process.stdout.write(`${JSON.stringify(row)}\n`);
      }
    }
    summarise(rows, say);
  } finally {
    started.stop();
    rmSync(shm, { recursive: true });
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Every client once a round, each time beginning with another one. */
function measureRounds(
  present: readonly Client[],
  origin: Origin,
  place: string,
  file: string,
  rounds: number,
  say: (line: string) => void,
): readonly Row[] {
  const rows: Row[] = [];
  const target = `${origin.name}-${place}`;
  const able = present.filter((client) => client.fetch(origin, file) !== undefined);
  for (const client of able) {
    const shown = client.fetch(origin, file);
    if (shown !== undefined) say(`${target}: ${[shown.command, ...shown.args].join(' ')}`);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < able.length; at += 1) {
      const client = able[(at + round) % able.length];
      const command = client?.fetch(origin, file);
      if (client === undefined || command === undefined) continue;
      rows.push({ client: client.name, target, ...measure(client.name, command, origin, file) });
      rmSync(file, { force: true });
      // What the page cache still holds is not to be the next client's burden.
      spawnSync('sync');
    }
  }
  return rows;
}

function measure(name: string, { command, args, env }: ClientCommand, origin: Origin, file: string) {
  // bash's `time` counts the CPU of the child alone, to the millisecond.
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"';
  const ran = spawnSync('bash', ['-c', script, 'bash', command, ...args], {
    // Nothing of the machine's own settings: no proxies, no other certificates.
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
    encoding: 'utf8',
  });
  const lines = ran.stderr.trim().split('\n');
  const [wall = 0, user = 0, system = 0] = (lines.at(-1) ?? '').split(' ').map(Number);
  const verified = ran.status === 0 && checksumOf(file) === origin.crc32c;
  if (!verified) process.stderr.write(`${name} failed: ${lines.slice(0, -1).join(' ').slice(0, 500)}\n`);
  const gib = origin.bytes / GIB;
  if (name !== 'strata' || !verified) {
    return { wallSeconds: wall, cpuSecondsPerGiB: (user + system) / gib, verified };
  }
  const { wallSeconds, cpuSeconds, maxRssBytes, eventLoopP99Ms } = Ours.parse(JSON.parse(ran.stdout));
  return { wallSeconds, cpuSecondsPerGiB: cpuSeconds / gib, verified, maxRssBytes, eventLoopP99Ms };
}

function summarise(rows: readonly Row[], say: (line: string) => void): void {
  say('target            client      wall s median (quartiles)   CPU s/GiB   verified   RSS MB   loop p99 ms');
  for (const target of new Set(rows.map((row) => row.target))) {
    for (const client of new Set(rows.map((row) => row.client))) {
      const mine = rows.filter((row) => row.target === target && row.client === client);
      if (mine.length === 0) continue;
      const walls = mine.map((row) => row.wallSeconds);
      const band = `${quantile(walls, 0.5).toFixed(2)} (${quantile(walls, 0.25).toFixed(2)}–${quantile(walls, 0.75).toFixed(2)})`;
      const cpu = quantile(
        mine.map((row) => row.cpuSecondsPerGiB),
        0.5,
      );
      const verified = `${mine.filter((row) => row.verified).length}/${mine.length}`;
      const [rss, loop] = [mine.map((row) => row.maxRssBytes ?? 0), mine.map((row) => row.eventLoopP99Ms ?? 0)];
      const own =
        client === 'strata' ? [(Math.max(...rss) / 1e6).toFixed(0), quantile(loop, 0.5).toFixed(1)] : ['', ''];
      const cells = [
        target.padEnd(17),
        client.padEnd(11),
        band.padEnd(27),
        cpu.toFixed(2).padEnd(11),
        verified.padEnd(10),
      ];
      say([...cells, own[0]?.padEnd(8), own[1]].join(' ').trimEnd());
    }
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
}

/** Random bytes, so that nothing on the way compresses them; answers their CRC-32C. */
function makeObject(path: string, bytes: number): string {
  const file = openSync(path, 'w');
  let checksum = 0;
  for (let left = bytes; left > 0; left -= CHUNK) {
    randomFillSync(chunk);
    const length = Math.min(CHUNK, left);
    checksum = crc32c.of(RESERVED_BYTES, length, checksum);
    writeSync(file, chunk, 0, length);
  }
  closeSync(file);
  return crc32cHex(checksum);
}

function checksumOf(path: string): string | undefined {
  try {
    const file = openSync(path, 'r');
    let checksum = 0;
    for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
      checksum = crc32c.of(RESERVED_BYTES, length, checksum);
    }
    closeSync(file);
    return crc32cHex(checksum);
  } catch {
    return undefined;
  }
}
