import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { SET_FILE } from '../../events/upload-set/v1.ts';
import { canonicalJson } from '../../lib/shared/canonicalJson.ts';
import { KeySegment, type ModelName, NewModelName, SemVer } from '../../lib/shared/ids.ts';
import { CliError } from '../errors.ts';

export interface PlannedFile {
  readonly path: string;
  readonly file: KeySegment;
  readonly size: number;
  readonly modifiedMs: number;
}

export interface PushPlan {
  readonly model: ModelName;
  readonly version: SemVer;
  /** The same files give the same set: a push that was cut off is taken up where it stopped. */
  readonly set: string;
  readonly files: readonly PlannedFile[];
  readonly bytes: number;
}

/** Reads what is to be pushed: files, or one folder of files. Throws `CliError`. */
export async function planPush(target: string | undefined, paths: readonly string[]): Promise<PushPlan> {
  const [first = ''] = paths;
  if (target === undefined && paths.length > 1 && NewModelName.safeParse(first).success && !(await isThere(first))) {
    throw badPath(
      `${first} is not there. If it is the model's name, add its version: strata push ${first}@1.0.0 FILE…`,
    );
  }
  const files = (await Promise.all(paths.map(filesAt))).flat();
  if (paths.length === 0) throw badPath(`Name the files of ${target}, or their folder: strata push ${target} FILE…`);
  if (files.length === 0) throw badPath(`${paths.join(' ')} holds no file.`);
  const seen = new Map<string, string>();
  for (const { file, path } of files) {
    const other = seen.get(file);
    if (other !== undefined) throw badName(`${other} and ${path} would both become ${file}.`);
    seen.set(file, path);
  }
  const { model, version } = target === undefined ? defaultTarget(files) : parseTarget(target);
  return {
    model,
    version,
    files,
    set: setOf(model, version, files),
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}

/** `name@1.2.0`: a version never changes, so it is written out. */
function parseTarget(text: string): { readonly model: ModelName; readonly version: SemVer } {
  const [name, number, ...rest] = text.split('@');
  const model = NewModelName.safeParse(name);
  const version = SemVer.safeParse(number);
  if (model.success && version.success && rest.length === 0) return { model: model.data, version: version.data };
  throw new CliError({
    code: 'bad-reference',
    message: `\`${text}\` is no name@version. Write a lower-case name that begins with no dash, and a full version, as in flux-dev@1.0.0.`,
    retryable: false,
  });
}

function defaultTarget(files: readonly PlannedFile[]): { readonly model: ModelName; readonly version: SemVer } {
  const [only, ...others] = files;
  const model = NewModelName.safeParse(only === undefined ? '' : basename(only.file, extname(only.file)));
  if (model.success && others.length === 0) return { model: model.data, version: SemVer.parse('1.0.0') };
  const what = others.length > 0 ? 'Several files need' : `${only?.file} gives no model a name, so it needs`;
  throw new CliError({
    code: 'bad-reference',
    message: `${what} a name and a version: strata push name@1.0.0 FILE…`,
    retryable: false,
  });
}

async function filesAt(path: string): Promise<readonly PlannedFile[]> {
  const found = await statOf(path);
  if (found.isFile()) return [await planFile(path)];
  if (!found.isDirectory()) throw badPath(`${path} is no regular file and no folder.`);
  const files: PlannedFile[] = [];
  for (const name of (await readdir(path)).sort()) {
    if (name.startsWith('.') || name === SET_FILE) continue;
    const inside = join(path, name);
    if (!(await statOf(inside)).isFile()) {
      throw badPath(`${inside} is no file. A version has files side by side: push the folder that holds them.`);
    }
    files.push(await planFile(inside));
  }
  return files;
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (cause) {
    throw badPath(`${path} cannot be read.`, cause);
  }
}

async function planFile(path: string): Promise<PlannedFile> {
  const { size, mtimeMs } = await statOf(path);
  const file = KeySegment.safeParse(basename(path).toLowerCase());
  if (!file.success) throw badName(`${path} needs another name: letters, digits, dots, dashes and underscores.`);
  return { path, file: file.data, size, modifiedMs: Math.floor(mtimeMs) };
}

/** A UUID of version 8 (RFC 9562) from what is pushed. */
function setOf(model: ModelName, version: SemVer, files: readonly PlannedFile[]): string {
  const identity = { model, version, files: files.map(({ file, size, modifiedMs }) => ({ file, size, modifiedMs })) };
  const hex = createHash('sha256').update(canonicalJson(identity)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function badPath(message: string, cause?: unknown): CliError {
  return new CliError({ code: 'bad-path', message, retryable: false, cause });
}

function badName(message: string): CliError {
  return new CliError({ code: 'bad-file-name', message, retryable: false });
}
