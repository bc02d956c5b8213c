import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import * as z from 'zod/mini';
import { openRangedFile } from '../../lib/adapters/files/rangedFile.ts';
import { judgeHeader } from '../../lib/scanning/index.ts';
import { prepare, preparedPython } from './prepare.ts';

const run_ = promisify(execFile);
const here = new URL('.', import.meta.url).pathname;
/** Keras needs to be told which library computes. */
const ENVIRONMENT = { ...process.env, KERAS_BACKEND: 'torch', TF_CPP_MIN_LOG_LEVEL: '3' };

const Result = z.object({
  scanner: z.string(),
  file: z.string(),
  verdict: z.string(),
  seconds: z.number(),
  peakBytes: z.optional(z.number()),
  rule: z.optional(z.string()),
});
type Result = z.infer<typeof Result>;

/**
 * `npm run bench -- scan [--libraries PYTHON]… [--peers PYTHON] [--corpus FOLDER] [--every N]`: writes dangerous files and harmless ones
 * with whatever reference libraries the given Pythons have, scans both with `strata scan` and the peers, and counts.
 * `--prepare` makes the
 * environments instead; `--every N` gives the peers every Nth file (24: the slowest of them takes a second for each). A corpus folder with `dangerous/` and `harmless/` inside replaces the generated one. Fails if one of our bounds does.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      libraries: { type: 'string', multiple: true, default: libraries() },
      peers: { type: 'string', default: preparedPython('scan-peers') ?? '' },
      corpus: { type: 'string' },
      prepare: { type: 'boolean', default: false },
      every: { type: 'string', default: '24' },
    },
  });
  if (values.prepare) return prepare();
  if (values.peers === '') console.log('SKIPPED the other scanners: npm run bench -- scan --prepare');
  const folder = await mkdtemp(join(tmpdir(), 'strata-bench-scan-'));
  try {
    const corpus = values.corpus ?? (await generate(folder, values.libraries));
    const results = await scanAll(corpus, values.peers, values.every);
    const failed = report(corpus, results);
    await reportCosts(folder);
    await reportThroughput(folder, values.peers);
    if (failed) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function libraries(): string[] {
  const known = [preparedPython('scan-libraries'), preparedPython('scan-libraries-older')];
  const found = known.filter((python) => python !== undefined);
  if (found.length === 0) console.log('SKIPPED the reference libraries: npm run bench -- scan --prepare');
  return found.length > 0 ? found : ['python3'];
}

async function generate(folder: string, pythons: readonly string[]): Promise<string> {
  for (const [index, python] of pythons.entries()) {
    const target = join(folder, 'harmless', String(index));
    for (const script of ['harmless.py', 'libraries.py']) {
      const { stdout } = await run_(python, [join(here, script), join(target, script)], {
        maxBuffer: 1e8,
        env: ENVIRONMENT,
      });
      console.log(`harmless, ${script} by ${python}: ${stdout.trim().split('\n').at(-1)}`);
    }
  }
  for (const script of ['dangerous.py', 'tricks.py', 'published.py']) {
    const target = join(folder, 'dangerous', script);
    const { stdout } = await run_(pythons[0] ?? 'python3', [join(here, script), target]);
    console.log(`dangerous, ${script}: ${stdout.trim()}`);
  }
  return folder;
}

async function scanAll(corpus: string, peers: string, every: string): Promise<Result[]> {
  const results: Result[] = [];
  for (const kind of ['dangerous', 'harmless']) {
    const folder = join(corpus, kind);
    results.push(...(await lines(process.execPath, [join(here, 'worker.ts'), folder])));
    if (peers !== '') results.push(...(await lines(peers, [join(here, 'peers.py'), folder, every])));
  }
  return results;
}

async function lines(command: string, args: readonly string[]): Promise<Result[]> {
  const { stdout } = await run_(command, [...args], { maxBuffer: 1e9 });
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => Result.parse(JSON.parse(line)));
}

/** Prints the table and answers whether one of our own bounds is broken. */
function report(corpus: string, results: readonly Result[]): boolean {
  const isDangerous = ({ file }: Result) => file.startsWith(join(corpus, 'dangerous'));
  console.log('scanner      dangerous  called clean   harmless  not clean        errors  files/s     MB/s  slowest');
  for (const scanner of new Set(results.map((result) => result.scanner))) {
    const own = results.filter((result) => result.scanner === scanner);
    const dangerous = own.filter(isDangerous);
    const harmless = own.filter((result) => !isDangerous(result));
    const missed = dangerous.filter(({ verdict }) => verdict === 'clean');
    const wrong = harmless.filter(({ verdict }) => verdict !== 'clean');
    const errors = own.filter(({ verdict, rule }) => verdict === 'error' || rule === 'file.scanner-error');
    const seconds = own.reduce((sum, result) => sum + result.seconds, 0);
    const bytes = own.reduce((sum, { file }) => sum + statSync(file).size, 0);
    const slowest = Math.max(...own.map((result) => result.seconds));
    const share = ((100 * wrong.length) / Math.max(1, harmless.length)).toFixed(2);
    console.log(
      `${scanner.padEnd(12)} ${String(dangerous.length).padStart(9)} ${String(missed.length).padStart(13)} ${String(harmless.length).padStart(10)}` +
        ` ${`${wrong.length} (${share} %)`.padStart(12)} ${String(errors.length).padStart(12)} ${(own.length / seconds).toFixed(0).padStart(8)} ${(bytes / 1e6 / seconds).toFixed(1).padStart(8)} ${slowest.toFixed(2).padStart(7)}s`,
    );
    if (scanner === 'strata')
      for (const { file, verdict, rule } of [...missed, ...wrong]) console.log(`  ${verdict} ${file} ${rule ?? ''}`);
  }
  const own = results.filter(({ scanner }) => scanner === 'strata');
  const peak = Math.max(...own.map(({ peakBytes }) => peakBytes ?? 0));
  console.log(`\nstrata's peak of memory over all files: ${(peak / 1e6).toFixed(0)} MB`);
  const harmless = own.filter((result) => !isDangerous(result));
  const notClean = harmless.filter(({ verdict }) => verdict !== 'clean').length;
  return (
    own.some((result) => isDangerous(result) && result.verdict === 'clean') ||
    notClean > harmless.length * 0.015 ||
    own.some(({ seconds, rule }) => seconds > 10 || rule === 'file.scanner-error') ||
    peak > 512e6
  );
}

/** What it costs to index files of 100 GB that are sparse behind their headers. */
async function reportCosts(folder: string): Promise<void> {
  const tensors = 2_000;
  const bytes = 50_000_000;
  const header = JSON.stringify(
    Object.fromEntries(
      Array.from({ length: tensors }, (_, i) => [
        `model.layers.${i}.mlp.down_proj.weight`,
        { dtype: 'BF16', shape: [bytes / 2], data_offsets: [i * bytes, (i + 1) * bytes] },
      ]),
    ),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await measureSparse(
    join(folder, 'sparse.safetensors'),
    Buffer.concat([length, Buffer.from(header)]),
    tensors * bytes,
  );
  await measureSparse(join(folder, 'sparse.gguf'), ggufHead(tensors, bytes), tensors * bytes);
}

function ggufHead(tensors: number, bytes: number): Buffer {
  const infos = Array.from({ length: tensors }, (_, i) => {
    const name = Buffer.from(`blk.${i}.ffn_down.weight`);
    const info = Buffer.alloc(8 + name.length + 4 + 8 + 4 + 8);
    info.writeBigUInt64LE(BigInt(name.length));
    name.copy(info, 8);
    info.writeUInt32LE(1, 8 + name.length);
    info.writeBigUInt64LE(BigInt(bytes / 4), 12 + name.length);
    info.writeBigUInt64LE(BigInt(i * bytes), 24 + name.length);
    return info;
  });
  const head = Buffer.alloc(24);
  head.write('GGUF');
  head.writeUInt32LE(3, 4);
  head.writeBigUInt64LE(BigInt(tensors), 8);
  const whole = Buffer.concat([head, ...infos]);
  return Buffer.concat([whole, Buffer.alloc((32 - (whole.length % 32)) % 32)]);
}

async function measureSparse(path: string, head: Buffer, dataBytes: number): Promise<void> {
  await writeFile(path, head);
  await truncate(path, head.length + dataBytes);
  const file = await openRangedFile(path);
  const start = performance.now();
  const { status, bytesRead, requests, format } = await judgeHeader(file);
  console.log(
    `${format} of ${(file.size / 1e9).toFixed(1)} GB: ${status}, ${bytesRead} bytes in ${requests} requests, ${(performance.now() - start).toFixed(0)} ms`,
  );
  await file.close();
}

/** Megabytes of opcodes a second: a pickle of nested lists, dictionaries, numbers and texts, which no scanner can skip. */
async function reportThroughput(folder: string, peers: string): Promise<void> {
  const path = join(folder, 'opcodes');
  await mkdir(path);
  const script =
    'import pickle,sys;d=[{"k%d"%i:[i,i*.5,"text %d"%i,(i,None,True)]} for i in range(300000)];open(sys.argv[1],"wb").write(pickle.dumps(d,4))';
  await run_(peers === '' ? 'python3' : peers, ['-c', script, join(path, 'opcodes.pkl')]);
  const { size } = await stat(join(path, 'opcodes.pkl'));
  const results = await lines(process.execPath, [join(here, 'worker.ts'), path]);
  if (peers !== '') results.push(...(await lines(peers, [join(here, 'peers.py'), path, '1'])));
  for (const { scanner, seconds, verdict } of results) {
    console.log(
      `${scanner}: ${(size / 1e6 / seconds).toFixed(1)} MB/s of opcodes (${(size / 1e6).toFixed(0)} MB, ${verdict})`,
    );
  }
}
