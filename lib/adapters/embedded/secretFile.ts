import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** The text of a file that only its owner may read (0600), made by `create` where there is none. */
export function readSecretFile(path: string, create: () => string): string {
  try {
    chmodSync(path, 0o600);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    const text = create();
    writeSecretFile(path, text);
    return text;
  }
}

/** Replaces the file at once: a reader finds the old text or the new one. */
export function writeSecretFile(path: string, text: string): void {
  const aside = `${path}.next`;
  // What lies there keeps its mode, or leads elsewhere.
  rmSync(aside, { force: true });
  const file = openSync(aside, 'wx', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(aside, path);
}

/** 256 bits of the system's randomness. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
