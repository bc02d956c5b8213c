import { openRangedFile } from '../../lib/adapters/files/rangedFile.ts';
import type { OperationOutput } from '../../lib/operations/index.ts';
import { StrataError } from '../../lib/shared/errors.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import type { Plane } from '../connection/plane.ts';
import { digestOf } from '../digestOf.ts';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import type { PlannedFile, PushPlan } from './plan.ts';
import type { InspectedFile } from './push.ts';

export type PublishedFile = OperationOutput<'showVersion'>['files'][number];

/**
 * The files of the plan's version where it is published with these very bytes; undefined where its number is free. Files are read
 * only where their names and sizes fit; `begin` is told first how many bytes, and what it answers how far that is. What another push
 * publishes from now on the plane alone sees: it quarantines what differs.
 * @throws CliError `version-closed` where the version has other files, or was deleted
 */
export async function publishedAlready(
  plane: Plane,
  plan: PushPlan,
  inspected: readonly InspectedFile[],
  begin: (bytes: number) => Progress,
): Promise<readonly PublishedFile[] | undefined> {
  const published = await filesOf(plane, plan);
  if (published === undefined) return undefined;
  const there = new Map(published.map((file) => [file.file, file]));
  for (const { file, size } of plan.files) {
    const other = there.get(file);
    if (other === undefined) throw closed(plan, `without ${file}`);
    if (other.size !== size) throw closed(plan, `with another ${file}`);
  }
  const beside = published.find(({ file }) => !plan.files.some((planned) => planned.file === file));
  if (beside !== undefined) throw closed(plan, `with ${beside.file} besides`);
  for (const { planned, digest } of inspected) {
    if (digest !== undefined && digest !== there.get(planned.file)?.digest)
      throw closed(plan, `with another ${planned.file}`);
  }
  const unread = inspected.flatMap(({ planned, digest }) => (digest === undefined ? [planned] : []));
  if (unread.length === 0) return published;
  const progress = begin(unread.reduce((sum, { size }) => sum + size, 0));
  try {
    for (const planned of unread) {
      const digest = await digestOfFile(planned, progress);
      if (digest !== there.get(planned.file)?.digest) throw closed(plan, `with another ${planned.file}`);
    }
  } finally {
    progress.end();
  }
  return published;
}

async function filesOf(plane: Plane, { model, version }: PushPlan): Promise<readonly PublishedFile[] | undefined> {
  try {
    return (await plane.operations.showVersion({ reference: `${model}@${version}` })).files;
  } catch (error) {
    if (!isUnknown(error)) throw error;
  }
  if (await isDeleted(plane, { model, version })) {
    const name = `${model}@${version}`;
    const message = `${name} was deleted, and what was deleted is never pushed anew. \`strata deleted ${model}\` says until when \`strata undo ${name}\` brings it back; or push under another version.`;
    throw new CliError({ code: 'version-closed', message, retryable: false });
  }
  return undefined;
}

async function isDeleted(plane: Plane, { model, version }: Pick<PushPlan, 'model' | 'version'>): Promise<boolean> {
  try {
    const { items } = await plane.operations.listDeleted({ model });
    return items.some((deleted) => deleted.version === version);
  } catch (error) {
    if (isUnknown(error)) return false;
    throw error;
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof StrataError && ['unknown-model', 'unknown-version'].includes(error.code);
}

async function digestOfFile({ path }: PlannedFile, progress: Progress): Promise<Digest> {
  const file = await openRangedFile(path);
  try {
    return await digestOf(file, (bytes) => progress.add(bytes));
  } finally {
    await file.close();
  }
}

function closed({ model, version }: PushPlan, how: string): CliError {
  const message = `${model}@${version} is published ${how}, and a version never changes; nothing was uploaded. Push under another version: \`strata show ${model} --versions\` lists those that are taken.`;
  return new CliError({ code: 'version-closed', message, retryable: false });
}
