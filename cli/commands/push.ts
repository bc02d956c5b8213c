import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { formatBytes } from '../../lib/shared/units.ts';
import { printAnalyses } from '../analysis.ts';
import { printStorage, type Storage, storageOf } from '../storage.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import type { Plane } from '../connection/plane.ts';
import { FindingsError } from '../errors.ts';
import { note, print } from '../output.ts';
import { planPush, type PlannedFile, type PushPlan } from '../push/plan.ts';
import { publishedAlready, type PublishedFile } from '../push/published.ts';
import { type Progress, showProgress } from '../progress.ts';
import { inspectFiles, keyOf, push, type PushedFile, type UploadEnd, waitForEnds } from '../push/push.ts';

interface PushOptions extends PlaneOptions {
  readonly dryRun?: boolean;
  readonly wait?: boolean;
}

/** Adds `strata push`. */
export function registerPush(program: Command): void {
  const command = program
    .command('push')
    .description('upload a model version: files, or a folder of files')
    .argument(
      '<name@version|path...>',
      'name@1.0.0 and then files or one folder; a single file may come without a name',
    )
    .option('--dry-run', 'show what would be uploaded')
    .option('--wait', 'wait for the verdict; exit 1 when something is quarantined');
  withPlane(command).action(runPush);
}

async function runPush(args: readonly string[], options: PushOptions): Promise<void> {
  const [first = '', ...rest] = args;
  const named = first.includes('@') && !existsSync(first);
  const plan = await planPush(named ? first : undefined, named ? rest : args);
  const plane = await connect(options);
  if (options.json !== true) noteNames(plan);
  const inspected = await inspectFiles(plane, plan);
  const published = await publishedAlready(plane, plan, inspected, (bytes) => showComparing(plan, bytes, options));
  const missing = published === undefined ? inspected.flatMap((one) => (one.isThere ? [] : [one.planned])) : [];
  if (options.dryRun === true) {
    const outcome = (one: PlannedFile) => (missing.includes(one) ? 'would-upload' : 'unchanged');
    printFiles(options, toldFiles(plan, outcome));
    return;
  }
  if (published !== undefined && !inspected.every(({ isThere }) => isThere)) {
    printFiles(
      options,
      toldFiles(plan, () => 'unchanged'),
    );
    if (options.wait === true) await printPublished(plane, plan, published, options);
    note(`${plan.model}@${plan.version} is published with these very files; nothing was uploaded.`);
    return;
  }
  const progress = showProgress(
    missing.reduce((sum, { size }) => sum + size, 0),
    options.json === true,
    'strata.push.progress/v1',
  );
  const pushed = await push(plane, plan, missing, progress).finally(() => progress.end());
  printFiles(options, pushed);
  if (options.wait === true) await reportEnds(plane, plan, options);
  else if (options.json !== true) note(`The verdict follows: strata show ${plan.model}@${plan.version}`);
}

/** Reading them all may take as long as sending them. */
function showComparing({ model, version }: PushPlan, bytes: number, options: PushOptions): Progress {
  const json = options.json === true;
  if (!json) {
    note(
      `${model}@${version} is published with files of these names and sizes; reading ${formatBytes(bytes)} to tell whether they are the same.`,
    );
  }
  return showProgress(bytes, json, 'strata.push.compare-progress/v1');
}

function toldFiles(plan: PushPlan, outcome: (file: PlannedFile) => PushedFile['outcome']): readonly PushedFile[] {
  return plan.files.map((file) => ({ key: keyOf(plan, file.file), size: file.size, outcome: outcome(file) }));
}

/** Tools that find one file by its name in another one have to be told the new one. */
function noteNames({ files }: PushPlan): void {
  const renamed = files.filter(({ file, path }) => basename(path) !== file);
  const [first] = renamed;
  if (first === undefined) return;
  const others = renamed.length === 1 ? '' : ` and ${renamed.length - 1} more`;
  note(`Names are lower-case here: ${basename(first.path)} becomes ${first.file}${others}.`);
}

function printFiles(options: PushOptions, files: readonly PushedFile[]): void {
  print(options, {
    schema: 'strata.push.file/v1',
    items: files,
    id: ({ key }) => key,
    columns: [
      ['KEY', ({ key }) => key],
      ['SIZE', ({ size }) => formatBytes(size)],
      ['OUTCOME', ({ outcome }) => outcome],
    ],
  });
}

async function reportEnds(plane: Plane, plan: PushPlan, options: PushOptions): Promise<void> {
  const ends = await waitForEnds(plane, plan);
  const failed = ends.filter(({ state }) => state !== 'ready');
  for (const { key, state, quarantine } of failed) {
    note(`${key}: ${quarantine === undefined ? state : `${quarantine.reason}: ${quarantine.text}`}`);
  }
  if (failed.length > 0) throw new FindingsError('not published');
  printStored(options, ends, await storageOf(plane.operations, `${plan.model}@${plan.version}`));
  note(`${plan.model}@${plan.version} is published.`);
}

/** What is stored, of files that an earlier push has brought and whose uploads are gone. */
async function printPublished(
  plane: Plane,
  plan: PushPlan,
  files: readonly PublishedFile[],
  options: PushOptions,
): Promise<void> {
  const ends = files.map(({ file, size, digest, blob }) => ({
    key: keyOf(plan, file),
    size,
    digest,
    findings: blob,
    compressibility: blob?.compressibility,
  }));
  printStored(options, ends, await storageOf(plane.operations, `${plan.model}@${plan.version}`));
}

type StoredFile = Pick<UploadEnd, 'key' | 'size' | 'digest' | 'compressibility'> & {
  readonly findings?: UploadEnd['findings'] | PublishedFile['blob'];
};

/** What was stored: digest, verdict, analysis, place and cost of each file. The set's own file is none of them. */
function printStored(options: PushOptions, ends: readonly StoredFile[], storage: readonly Storage[]): void {
  const stored = ends.flatMap(({ key, size, digest, findings, compressibility }) =>
    digest === undefined
      ? []
      : [{ ...storage.find((one) => key.endsWith(`/${one.file}`)), key, size, digest, findings, compressibility }],
  );
  if (options.json === true) {
    print(options, { schema: 'strata.push.stored/v1', items: stored, id: ({ digest }) => digest, columns: [] });
    return;
  }
  printAnalyses(
    options,
    stored.map(({ key, findings, compressibility }) => ({
      file: key.slice(key.lastIndexOf('/') + 1),
      compressibility,
      ...findings,
    })),
  );
  printStorage(options, storage);
}
