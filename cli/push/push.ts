import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { SET_FILE, SET_METADATA, type UploadSet } from '../../events/upload-set/v1.ts';
import { StrataError } from '../../lib/shared/errors.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import { Bytes } from '../../lib/shared/units.ts';
import type { OperationOutput } from '../../lib/operations/index.ts';
import type { Plane } from '../connection/plane.ts';
import { CliError } from '../errors.ts';
import type { PlannedFile, PushPlan } from './plan.ts';
import type { Progress } from '../progress.ts';

export interface PushedFile {
  readonly key: string;
  readonly size: number;
  /** `unchanged`: an earlier push of the same files has brought it. */
  readonly outcome: 'uploaded' | 'unchanged' | 'would-upload';
}

const TRIES = 4;

export function keyOf({ model, version }: PushPlan, file: string): string {
  return `uploads/${model}/${version}/${file}`;
}

export interface InspectedFile {
  readonly planned: PlannedFile;
  /** An earlier push of the same files has brought it. */
  readonly isThere: boolean;
  /** Of what is there, where the plane has read it. */
  readonly digest?: Digest | undefined;
}

/** What of a plan is there already. */
export async function inspectFiles(plane: Plane, plan: PushPlan): Promise<readonly InspectedFile[]> {
  const inspected: InspectedFile[] = [];
  for (const planned of plan.files) {
    const { current, upload } = await plane.operations.inspectUpload({ key: keyOf(plan, planned.file) });
    const isThere = current?.set === plan.set && current.size === planned.size;
    inspected.push({ planned, isThere, ...(isThere ? { digest: upload?.digest } : {}) });
  }
  return inspected;
}

/** Uploads the missing files, then `strata.json`, which closes the set: nothing is published before it is there. */
export async function push(
  plane: Plane,
  plan: PushPlan,
  missing: readonly PlannedFile[],
  progress: Progress,
): Promise<readonly PushedFile[]> {
  const metadata = { [SET_METADATA]: plan.set };
  for (const file of missing) await pushFile(plane, plan, file, metadata, progress);
  const manifest: UploadSet = {
    schema: 'strata-set/1',
    set: plan.set,
    files: plan.files.map(({ file, size }) => ({ file, size: Bytes.parse(size) })),
  };
  await withRetries(() => plane.uploads.putText(keyOf(plan, SET_FILE), JSON.stringify(manifest), metadata));
  return plan.files.map((file) => ({
    key: keyOf(plan, file.file),
    size: file.size,
    outcome: missing.includes(file) ? 'uploaded' : 'unchanged',
  }));
}

async function pushFile(
  plane: Plane,
  plan: PushPlan,
  file: PlannedFile,
  metadata: Readonly<Record<string, string>>,
  progress: Progress,
): Promise<void> {
  await withRetries(async () => {
    let sent = 0;
    try {
      await plane.uploads.put(keyOf(plan, file.file), file, metadata, (bytes) => {
        sent += bytes;
        progress.add(bytes);
      });
    } catch (error) {
      progress.takeBack(sent);
      throw error;
    }
  });
  const { size, mtimeMs } = await stat(file.path);
  if (size === file.size && Math.floor(mtimeMs) === file.modifiedMs) return;
  throw new CliError({
    code: 'file-changed',
    message: `${file.path} changed while it was pushed. Nothing was published; push it again.`,
    retryable: false,
  });
}

async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StrataError) || !error.retryable || attempt === TRIES) throw error;
      await sleep(250 * 2 ** attempt);
    }
  }
}

export type UploadEnd = NonNullable<OperationOutput<'inspectUpload'>['upload']>;

const POLL_MS = 500;
const SETTLED = new Set(['ready', 'quarantined', 'cancelled']);

/**
 * Waits until every file of the plan and its `strata.json` has come to its end, and answers them.
 * @throws CliError `replaced` where another push into the same version has come over this one
 */
export async function waitForEnds(plane: Plane, plan: PushPlan): Promise<readonly UploadEnd[]> {
  for (;;) {
    const ends: UploadEnd[] = [];
    for (const file of [...plan.files.map((planned) => planned.file), SET_FILE]) {
      const { current, upload } = await plane.operations.inspectUpload({ key: keyOf(plan, file) });
      if (current !== undefined && current.set !== plan.set) throw replaced(plan, file);
      if (upload !== undefined && SETTLED.has(upload.state)) ends.push(upload);
    }
    const complete = ends.length === plan.files.length + 1;
    const failed = ends.some(({ state }) => state !== 'ready');
    if (complete || failed) return ends;
    await sleep(POLL_MS);
  }
}

function replaced(plan: PushPlan, file: string): CliError {
  const message = `Another push has put its ${file} into ${plan.model}@${plan.version} meanwhile. Push again: it tells which of both is published.`;
  return new CliError({ code: 'replaced', message, retryable: true });
}
