import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openLedger } from '../../agent/nvme/ledger.ts';
import { blobFolder, blobPath, FOLDERS } from '../../agent/nvme/paths.ts';
import type { LedgerRecord } from '../../agent/nvme/records.ts';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import { Digest, KeySegment, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { Bytes, EpochMs, MIB } from '../../lib/shared/units.ts';

/** `npm run bench -- store [--blobs N] [--runs N]`: how long the agent takes to be ready over an empty store and over a full one. */

const BLOB_BYTES = Bytes.parse(16 * MIB);

export async function run(args: readonly string[]): Promise<void> {
  const options = { blobs: { type: 'string', default: '10000' }, runs: { type: 'string', default: '5' } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const [blobs, runs] = [Number(values.blobs), Number(values.runs)];
  const folder = await mkdtemp(join(tmpdir(), 'strata-bench-store-'));
  try {
    const stores = { empty: join(folder, 'empty'), full: join(folder, 'full') };
    await mkdir(stores.empty);
    await mkdir(stores.full);
    await fillStore(stores.full, blobs);
    const first = await start(stores.full);
    const starts: Record<keyof typeof stores, Start[]> = { empty: [], full: [] };
    for (let run = 0; run < runs; run += 1) {
      starts.empty.push(await start(stores.empty));
      starts.full.push(await start(stores.full));
    }
    const [empty, full] = [medians(starts.empty), medians(starts.full)];
    const lines: readonly (readonly [string, Start])[] = [
      ['empty store', empty],
      [`${blobs} blobs of 16 MiB (sparse)`, full],
      ['difference', { wallMs: full.wallMs - empty.wallMs, cpuMs: full.cpuMs - empty.cpuMs }],
      ['once, when no link of models/ is there yet', first],
    ];
    console.log(
      `start of the process → ready, median of ${runs}, Node ${process.version}`.padEnd(47) + seconds('wall', 'CPU'),
    );
    for (const [what, { wallMs, cpuMs }] of lines) {
      console.log(
        `  ${what.padEnd(44)} ${seconds(`${(wallMs / 1000).toFixed(2)} s`, `${(cpuMs / 1000).toFixed(2)} s`)}`,
      );
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A store as an agent leaves it, but of sparse files, whose bytes nobody has hashed. */
async function fillStore(root: string, count: number): Promise<void> {
  const disk = await createNodeDisk(root);
  for (const name of Object.values(FOLDERS)) await disk.makeDirectory(name);
  const { ledger } = await openLedger(disk);
  for (let at = 0; at < count; at += 1) {
    const digest = Digest.parse(((at * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0').repeat(8));
    await disk.makeDirectory(blobFolder(digest));
    const path = join(root, blobPath(digest));
    await writeFile(path, '');
    await truncate(path, BLOB_BYTES);
    await chmod(path, 0o444);
    void ledger.commit(recordsOf(digest, at));
  }
  await ledger.commit([]);
}

function recordsOf(digest: Digest, at: number): LedgerRecord[] {
  const entry = {
    model: ModelName.parse(`model-${at}`),
    version: SemVer.parse('1.0.0'),
    file: KeySegment.parse(`model-${at}.safetensors`),
    kind: 'checkpoints',
    role: 'weights',
    publishedAt: EpochMs.parse(1_700_000_000_000),
  } as const;
  const time = EpochMs.parse(1_700_000_000_000 + at);
  return [
    { is: 'reserved', digest, size: BLOB_BYTES, origin: { key: blobKey(digest), versionId: 'null' } },
    { is: 'resident', digest, at: time },
    { is: 'named', digest, entries: [entry] },
  ];
}

const seconds = (...columns: readonly string[]): string => columns.map((column) => column.padStart(9)).join('');

/** From the start of the process until it says that it is ready; what it computed meanwhile says more on a machine that others use too. */
interface Start {
  readonly wallMs: number;
  readonly cpuMs: number;
}

function start(data: string): Promise<Start> {
  const flags = ['--plane', 'http://127.0.0.1:9', '--host', 'bench', '--data', data, '--port', 'none'];
  const more = ['--headroom', '0', '--capacity', '100TB', '--log-level', 'error', '--join-token', 'none'];
  const started = performance.now();
  const child = spawn(process.execPath, ['agent/bin.js', ...flags, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The agent ended with ${code} before it was ready.`)));
    child.stdout.once('data', () => {
      const took: Start = { wallMs: performance.now() - started, cpuMs: cpuMsOf(child.pid) };
      child.removeAllListeners('exit').once('exit', () => resolve(took));
      child.kill('SIGTERM');
    });
  });
}

/** User and system time of all threads, in ticks of 10 ms: proc_pid_stat(5). */
function cpuMsOf(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function medians(starts: readonly Start[]): Start {
  return { wallMs: median(starts.map(({ wallMs }) => wallMs)), cpuMs: median(starts.map(({ cpuMs }) => cpuMs)) };
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
