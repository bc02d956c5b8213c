import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface DataFolder {
  readonly path: string;
  at(...names: readonly string[]): string;
  /** Gives the folder free again; a temporary one is removed. */
  release(): void;
}

const TEMPORARY = 'strata-runtime-';
const PID_FILE = 'runtime.pid';

/** Another process uses the folder. */
export class FolderTakenError extends Error {
  override readonly name = 'FolderTakenError';
}

/**
 * Takes a folder for one runtime process: `path`, or a temporary one that is removed at the end. The process id in
 * `runtime.pid` keeps a second runtime out; that of a process which is gone does not.
 */
export function takeDataFolder(path: string | undefined): DataFolder {
  if (path === undefined) removeAbandoned();
  const folder = path === undefined ? mkdtempSync(join(tmpdir(), TEMPORARY)) : resolve(path);
  const pidFile = join(folder, PID_FILE);
  for (const name of ['', 'bucket', 'keys', 'logs', 'hosts']) mkdirSync(join(folder, name), { recursive: true });
  const holder = holderOf(pidFile);
  if (holder !== undefined && holder !== process.pid) {
    throw new FolderTakenError(`Process ${holder} runs on ${folder}. Stop it, or choose another folder with --data.`);
  }
  writeFileSync(pidFile, String(process.pid));
  return {
    path: folder,
    at: (...names) => join(folder, ...names),
    release: () => rmSync(path === undefined ? folder : pidFile, { recursive: true, force: true }),
  };
}

/** Temporary folders of runtimes that were killed before they could remove them. */
function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(TEMPORARY))) {
    const folder = join(tmpdir(), name);
    if (isOurs(folder) && holderOf(join(folder, PID_FILE)) === undefined) rmSync(folder, { recursive: true });
  }
}

/** Of this user, and past the moment at which its runtime wrote down its process id. */
function isOurs(folder: string): boolean {
  const marked = statSync(join(folder, PID_FILE), { throwIfNoEntry: false });
  return marked !== undefined && marked.uid === process.getuid?.();
}

function holderOf(pidFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    // A power cut can leave the file empty, and 0 would ask for this process's own group.
    if (!(pid > 0)) return undefined;
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}
