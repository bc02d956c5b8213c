import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { makeFolder } from '../lib/adapters/files/makeFolder.ts';

export interface DataFolder {
  readonly path: string;
  at(...names: readonly string[]): string;
  /** Gives the folder free again; a temporary one is removed. */
  release(): void;
  /** The same of a start that came to nothing: a folder that was not there, or empty, is so again. */
  discard(): void;
}

const TEMPORARY = 'strata-runtime-';
const PID_FILE = 'runtime.pid';

/** Another process uses the folder. */
export class FolderTakenError extends Error {
  override readonly name = 'FolderTakenError';
}

/** The folder cannot be used: it is no folder, not ours, or on a full or read-only disk. */
export class FolderUnusableError extends Error {
  override readonly name = 'FolderUnusableError';
}

/**
 * Takes a folder for one runtime process: `path`, or a temporary one that is removed at the end. `runtime.pid` names the process that
 * has it, which keeps a second runtime out; a process that is gone does not, nor one that got the same number later.
 * Throws `FolderTakenError` or `FolderUnusableError`.
 */
export function takeDataFolder(path: string | undefined): DataFolder {
  if (path === undefined) removeAbandoned();
  const folder = path === undefined ? mkdtempSync(join(tmpdir(), TEMPORARY)) : resolve(path);
  const pidFile = join(folder, PID_FILE);
  const missing = missingFolders(folder);
  const fresh = missing.length > 0 || isEmpty(folder);
  try {
    for (const name of ['bucket', 'audit', 'keys', 'logs', 'hosts']) makeFolder(join(folder, name));
    if (holderOf(pidFile) === undefined) rmSync(pidFile, { force: true });
    // Of two that start at once one creates the file.
    writeFileSync(pidFile, `${process.pid}\n${bornAt(process.pid) ?? ''}\n`, { flag: 'wx' });
  } catch (error) {
    if (path === undefined) rmSync(folder, { recursive: true, force: true });
    throw folderError(error, folder, pidFile);
  }
  const release = () => rmSync(path === undefined ? folder : pidFile, { recursive: true, force: true });
  return {
    path: folder,
    at: (...names) => join(folder, ...names),
    release,
    discard() {
      if (path !== undefined && fresh) {
        for (const name of readdirSync(folder)) {
          if (name !== PID_FILE) rmSync(join(folder, name), { recursive: true, force: true });
        }
      }
      release();
      if (path !== undefined) removeEmpty(missing);
    },
  };
}

/** The folder and those above it that are not there, from within. */
function missingFolders(folder: string): readonly string[] {
  return existsSync(folder) ? [] : [folder, ...missingFolders(dirname(folder))];
}

function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch {
    return false;
  }
}

/** What somebody has put something into since stays, and so do those above it. */
function removeEmpty(folders: readonly string[]): void {
  try {
    for (const folder of folders) rmdirSync(folder);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error;
  }
}

function folderError(error: unknown, folder: string, pidFile: string): Error {
  if (!(error instanceof Error) || !('code' in error)) return new Error(String(error));
  const holder = holderOf(pidFile);
  if (error.code === 'EEXIST' && holder !== undefined) {
    return new FolderTakenError(`Process ${holder} runs on ${folder}. Stop it, or choose another folder with --data.`);
  }
  const advice = error.code === 'ENOSPC' ? 'Make room on its disk' : 'Check that it is a folder of this user';
  return new FolderUnusableError(
    `${folder} cannot be used: ${error.message}. ${advice}, or choose another folder with --data.`,
    { cause: error },
  );
}

/** Temporary folders of runtimes that were killed before they could remove them. */
function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(TEMPORARY))) {
    const folder = join(tmpdir(), name);
    if (isOurs(folder) && holderOf(join(folder, PID_FILE)) === undefined) rmSync(folder, { recursive: true });
  }
}

/** Of this user, and past the moment at which its runtime wrote down its process id. Where another user owns the folder, a link may stand in it. */
function isOurs(folder: string): boolean {
  const isOwn = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.();
  // Into a folder of another user's nobody may look.
  return isOwn(folder) && isOwn(join(folder, PID_FILE));
}

function holderOf(pidFile: string): number | undefined {
  try {
    const [first = '', born = ''] = readFileSync(pidFile, 'utf8').split('\n');
    const pid = Number(first);
    // A power cut can leave the file empty, and 0 would ask for this process's own group.
    if (!(pid > 0)) return undefined;
    process.kill(pid, 0);
    return born === '' || born === bornAt(pid) ? pid : undefined;
  } catch (error) {
    // A process of another user is one too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM' ? ownerOf(pidFile) : undefined;
  }
}

function ownerOf(pidFile: string): number {
  return Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
}

/** What tells a process from later ones of its number: the boot and the clock tick at which it began; where the system says so. */
function bornAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields are counted behind the name, which may hold anything: the 22nd of proc(5) is the 20th there.
    const tick = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${tick}`;
  } catch {
    return undefined;
  }
}
