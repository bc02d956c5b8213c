import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { formatBytes } from '../../lib/shared/units.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import type { Plane } from '../connection/plane.ts';
import { FindingsError } from '../errors.ts';
import { note, print } from '../output.ts';
import { planPush, type PushPlan } from '../push/plan.ts';
import { showProgress } from '../progress.ts';
import { keyOf, missingFiles, push, type PushedFile, waitForEnds } from '../push/push.ts';

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
  const missing = await missingFiles(plane, plan);
  if (options.dryRun === true) {
    const outcome = (present: boolean) => (present ? 'unchanged' : 'would-upload');
    printFiles(
      options,
      plan.files.map((file) => ({
        key: keyOf(plan, file.file),
        size: file.size,
        outcome: outcome(!missing.includes(file)),
      })),
    );
    return;
  }
  const progress = showProgress(
    missing.reduce((sum, { size }) => sum + size, 0),
    options.json === true,
    'strata.push.progress/v1',
  );
  const pushed = await push(plane, plan, missing, progress).finally(() => progress.end());
  printFiles(options, pushed);
  if (options.wait === true) await reportEnds(plane, plan);
  else if (options.json !== true) note(`The verdict follows: strata show ${plan.model}@${plan.version}`);
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

async function reportEnds(plane: Plane, plan: PushPlan): Promise<void> {
  const failed = (await waitForEnds(plane, plan)).filter(({ state }) => state !== 'ready');
  for (const { key, state, quarantine } of failed) {
    note(`${key}: ${quarantine === undefined ? state : `${quarantine.reason}: ${quarantine.text}`}`);
  }
  if (failed.length > 0) throw new FindingsError('not published');
  note(`${plan.model}@${plan.version} is published.`);
}
