import type { Command } from 'commander';
import type { RangedFile } from '../../lib/adapters/files/rangedFile.ts';
import { type Packed, pack, unpack } from '../../lib/compression/index.ts';
import { formatBytes } from '../../lib/shared/units.ts';
import { addTerms, judgeCompression, type TermOptions } from '../compress/judge.ts';
import { openTarget, type Target } from '../compress/newFile.ts';
import { bytesOf, withFile } from '../compress/source.ts';
import { unpackFile } from '../compress/unpackFile.ts';
import { CliError } from '../errors.ts';
import { note, type OutputOptions, print } from '../output.ts';
import { type Progress, showProgress } from '../progress.ts';

const SUFFIX = '.stz';

interface UnpackOptions extends OutputOptions {
  readonly force?: true;
}
interface PackOptions extends UnpackOptions, TermOptions {
  readonly dryRun?: true;
}

/** Adds `strata compress` and `strata decompress`. */
export function registerCompress(program: Command): void {
  const compress = program
    .command('compress')
    .description('pack a model file without loss, and read it back before it is kept; needs no plane')
    .argument('<file>', 'a regular file, or - for stdin')
    .argument('[out]', `the file to write, or - for stdout; FILE${SUFFIX} without it`)
    .option('--dry-run', 'only tell how small it would get, from 1 MiB of it, and whether that pays');
  addTerms(withOutput(compress)).action(runCompress);
  const decompress = program
    .command('decompress')
    .description('give back the bytes that compress has packed, checked; needs no plane')
    .argument('<file>', 'that compress wrote, or - for stdin')
    .argument('[out]', `the file to write, or - for stdout; FILE without ${SUFFIX} where that is not given`);
  withOutput(decompress).action(runDecompress);
}

function withOutput(command: Command): Command {
  return command
    .option('--force', 'replace the file when it is there')
    .option('--json', 'one JSON object, and progress as JSON on stderr')
    .option('-q, --quiet', 'print the path only');
}

async function runCompress(path: string, out: string | undefined, options: PackOptions): Promise<void> {
  if (options.dryRun === true) return withFile(path, (file) => judgeCompression(path, file, options));
  const to = out ?? (path === '-' ? '-' : `${path}${SUFFIX}`);
  await write(to, options, 'strata.packed/v1', async (target) => {
    const work = path === '-' ? packStdin(target) : packFile(path, target, options);
    const packed = await work;
    if (target.staging !== undefined) await readBack(target.staging, packed);
    return packed;
  });
}

const packStdin = (target: Target): Promise<Packed> => pack(process.stdin, target.write);

async function packFile(path: string, target: Target, options: OutputOptions): Promise<Packed> {
  return withFile(path, async (file) => {
    const progress = showProgress(file.size, options.json === true, 'strata.compress.progress/v1');
    const source = bytesOf(file, (bytes) => progress.add(bytes));
    const packed = await pack(source, target.write).finally(() => progress.end());
    if (await file.unchanged()) return packed;
    throw new CliError({
      code: 'file-changed',
      message: `${path} changed while it was read. Nothing was written; compress it again.`,
      retryable: false,
    });
  });
}

/** Nothing is kept that does not give back every byte. */
async function readBack(staging: string, packed: Packed): Promise<void> {
  const { digest } = await withFile(staging, (file) => unpackFile(file, async () => {}));
  if (digest === packed.digest) return;
  throw new CliError({
    code: 'bad-answer',
    message: 'What was written gives back other bytes. Nothing was kept; check the disk and compress again.',
    retryable: false,
  });
}

async function runDecompress(path: string, out: string | undefined, options: UnpackOptions): Promise<void> {
  const to = out ?? (path === '-' ? '-' : withoutSuffix(path));
  await write(to, options, 'strata.unpacked/v1', async (target) => {
    if (path === '-') return unpack(process.stdin, target.write);
    return withFile(path, async (file) => {
      const progress = showProgress(file.size, options.json === true, 'strata.decompress.progress/v1');
      return unpackFile(counted(file, progress), target.write).finally(() => progress.end());
    });
  });
}

/** Tells of the bytes that are read, each once: the footer is read again with the index before it. */
function counted(file: RangedFile, progress: Progress): RangedFile {
  let tail = file.size;
  return {
    ...file,
    async read(offset, length) {
      const atEnd = offset + length === file.size;
      progress.add(atEnd ? Math.max(0, tail - offset) : length);
      if (atEnd) tail = Math.min(tail, offset);
      return file.read(offset, length);
    },
  };
}

function withoutSuffix(path: string): string {
  if (path.endsWith(SUFFIX) && path.length > SUFFIX.length) return path.slice(0, -SUFFIX.length);
  throw new CliError({
    code: 'bad-file-name',
    message: `${path} does not end in ${SUFFIX}: say which file to write.`,
    retryable: false,
  });
}

async function write(
  path: string,
  options: UnpackOptions,
  schema: string,
  work: (target: Target) => Promise<Packed>,
): Promise<void> {
  const started = performance.now();
  const target = await openTarget(path, options.force === true);
  let done: Packed;
  try {
    done = await work(target);
  } catch (error) {
    await target.drop();
    throw error;
  }
  await target.keep();
  const seconds = (performance.now() - started) / 1000;
  const { size, packedSize, digest } = done;
  const ratio = size === 0 ? 1 : packedSize / size;
  if (target.staging === undefined) {
    // The bytes have stdout for themselves.
    if (options.quiet !== true) note(`${formatBytes(size)}, packed ${formatBytes(packedSize)}, digest ${digest}`);
    return;
  }
  print(options, {
    schema,
    items: [{ path, size, packedSize, ratio, digest, seconds }],
    id: (item) => item.path,
    columns: [
      ['FILE', (item) => item.path],
      ['SIZE', (item) => formatBytes(item.size)],
      ['PACKED', (item) => formatBytes(item.packedSize)],
      ['RATIO', (item) => `${(item.ratio * 100).toFixed(1)} %`],
      ['DIGEST', (item) => item.digest.slice(0, 16)],
      ['MIB/S', (item) => (item.size / 1024 ** 2 / item.seconds).toFixed(0)],
    ],
  });
}
