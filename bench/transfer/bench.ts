import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { freemem, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GIB, MIB } from '../../lib/shared/units.ts';
import { chosenOf } from '../../lib/tuning/index.ts';
import { scratchIn } from '../scratch.ts';
import { type Client, clients, versionOf } from './clients.ts';
import { measureFetch, measureUpload, type Row } from './measure.ts';
import { makeObject } from './object.ts';
import { type Origin, startOrigins } from './origins.ts';
import { preparePeers } from './prepare.ts';
import { summarise } from './summary.ts';

/**
 * `npm run bench -- transfer [--prepare] [--json] [--rounds 7] [--minutes 10] [--mib 1024] [--targets nginx-disk,minio-upload]
 * [--clients curl,strata] [--shm /dev/shm]`: downloaders and uploaders side by side, interleaved, each file checked afterwards.
 * Each round takes every client to every target; no round begins that would not end within the minutes.
 */
interface Run {
  readonly target: string;
  readonly client: Client;
  readonly shown: readonly string[];
  readonly measure: () => Row | undefined;
}

/** `--shm` names another tmpfs for what is fetched; what is served lies here. */
const SHM = '/dev/shm';
/** It decides of up to a fifth of our CPU. */
function hugePages(): string {
  const file = '/sys/kernel/mm/transparent_hugepage/enabled';
  return existsSync(file) ? chosenOf(readFileSync(file, 'utf8')) : 'none';
}

export async function run(args: readonly string[]): Promise<void> {
  const list = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: flag,
      prepare: flag,
      rounds: list,
      minutes: list,
      mib: list,
      targets: list,
      clients: list,
      shm: { ...list, default: SHM },
    },
  });
  const say = (line: string) => (values.json === true ? process.stderr : process.stdout).write(`${line}\n`);
  const wanted = (names: string | undefined, name: string) => names === undefined || names.split(',').includes(name);
  if (values.prepare === true) preparePeers();
  const bytes = Number(values.mib ?? 1024) * MIB;
  const scratch = scratchIn(tmpdir());
  const shm = scratchIn(values.shm);
  // Six copies at most: at nginx, at both MinIOs, what is sent there and its parts, where it is fetched to. A machine that runs
  // short of memory would be measured, not its clients.
  const inMemory = freemem() > 12 * bytes;
  const served = scratchIn(inMemory ? SHM : tmpdir());
  mkdirSync(join(served, 'www'));
  const object = join(served, 'www/object.bin');
  const crc32c = makeObject(object, bytes);
  const started = await startOrigins({ folder: served, file: 'object.bin', bytes, crc32c });
  // A bench that is ended leaves no server behind, nor one that still writes into a folder that goes.
  process.prependOnceListener('exit', () => void started.stop());
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143));
  try {
    say(
      `${bytes / MIB} MiB, served from ${inMemory ? 'memory' : 'disk'}; Node ${process.version}; huge pages: ${hugePages()}`,
    );
    for (const line of [...started.versions, ...started.missing.map((one) => `MISSING ${one}`)]) say(line);
    const present = clients(scratch).filter((client) => {
      if (!wanted(values.clients, client.name)) return false;
      const version = versionOf(client);
      say(version === undefined ? `MISSING ${client.name}: ${client.hint}` : `${client.name}: ${version}`);
      return version !== undefined;
    });
    const places = { disk: join(scratch, 'out'), shm: join(shm, 'out') };
    const runs = started.origins
      .flatMap((origin) => runsOf(origin, present, places, object))
      .filter(({ target }) => wanted(values.targets, target));
    if (runs.length === 0) throw new Error('Nothing to measure: no client here speaks to such a target.');
    for (const one of runs) say(`${one.target}: ${one.shown.join(' ')}`);
    const limits = { rounds: Number(values.rounds ?? 7), minutes: Number(values.minutes ?? 10) };
    // What compiles its code, as the first start of an agent does; those of the rounds find it compiled.
    const first = runs.find(({ client }) => client.tellsItself)?.measure()?.maxRssBytes;
    if (first !== undefined) say(`strata's first start, with its code to compile: RSS ${(first / 1e6).toFixed(0)} MB`);
    const rows = measureRounds(runs, limits, say, (row) => {
      if (values.json === true) process.stdout.write(`${JSON.stringify(row)}\n`);
    });
    const ours = new Set(present.filter((client) => client.isOurs).map((client) => client.name));
    summarise(rows, ours, say);
    say(
      'strata is measured in a process that has fetched the object before, as an agent has; strata-cli and the peers as whole processes.',
    );
  } finally {
    await started.stop();
    for (const folder of [shm, served, scratch]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function runsOf(
  origin: Origin,
  present: readonly Client[],
  places: Readonly<Record<string, string>>,
  object: string,
): readonly Run[] {
  const fetches = Object.entries(places).flatMap(([place, file]) =>
    present.flatMap((client): Run[] => {
      const target = `${origin.name}-${place}`;
      const shown = client.fetch(origin, file);
      const measure = () => measureFetch(client, target, origin, file);
      return shown === undefined ? [] : [{ target, client, shown: [shown.command, ...shown.args], measure }];
    }),
  );
  const uploads = present.flatMap((client): Run[] => {
    const target = `${origin.name}-upload`;
    const shown = origin.s3 === undefined ? undefined : client.send?.(origin.s3, origin.ca, object);
    const measure = () => measureUpload(client, target, origin, object, places['shm'] ?? '');
    return shown === undefined ? [] : [{ target, client, shown: [shown.command, ...shown.args], measure }];
  });
  return [...fetches, ...uploads];
}

/** Every client at every target once a round, at each target beginning with another one each time. */
function measureRounds(
  runs: readonly Run[],
  limits: { readonly rounds: number; readonly minutes: number },
  say: (line: string) => void,
  measured: (row: Row) => void,
): readonly Row[] {
  const rows: Row[] = [];
  const began = performance.now();
  let longestMs = 0;
  for (let round = 0; round < limits.rounds; round += 1) {
    const roundBegan = performance.now();
    if (roundBegan - began + longestMs > limits.minutes * 60_000) {
      say(`${round} of ${limits.rounds} rounds: a further one would take more than ${limits.minutes} minutes`);
      break;
    }
    for (const target of new Set(runs.map((one) => one.target))) {
      const here = runs.filter((one) => one.target === target);
      for (let at = 0; at < here.length; at += 1) {
        if (freemem() < 2 * GIB) throw new Error('Less than 2 GiB of memory are free: the swapping would be measured.');
        const row = here[(at + round) % here.length]?.measure();
        if (row === undefined) continue;
        rows.push(row);
        measured(row);
      }
    }
    longestMs = Math.max(longestMs, performance.now() - roundBegan);
    say(
      `round ${round + 1}: ${Math.round((performance.now() - roundBegan) / 1000)} s, load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
  return rows;
}
