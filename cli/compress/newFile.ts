import { rmSync } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliError } from '../errors.ts';

/** Bytes on their way to a place: a file that appears whole or not at all, or stdout. */
export interface Target {
  /** Where the bytes can be read again before they are kept; undefined for stdout. */
  readonly staging: string | undefined;
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Makes what was written the file: on the device, under its name. */
  readonly keep: () => Promise<void>;
  /** Leaves nothing behind of what was not kept. */
  readonly drop: () => Promise<void>;
}

/** Throws `CliError` `exists` where the file is there and must not be replaced. */
export async function openTarget(path: string, replace: boolean): Promise<Target> {
  if (path === '-') return stdout();
  const taken = await stat(path).catch(() => undefined);
  if (taken !== undefined && !(replace && taken.isFile())) {
    const message = `${path} is there already${taken.isFile() ? '; --force replaces it' : ' and is no file'}.`;
    throw new CliError({ code: 'exists', message, retryable: false });
  }
  const staging = `${path}.${process.pid}.partial`;
  const file = await open(staging, 'wx').catch((cause: unknown) => {
    const message = `${staging} cannot be written.`;
    throw new CliError({ code: 'bad-path', message, retryable: false, cause });
  });
  // Ctrl-C ends the process at once.
  const sweep = () => rmSync(staging, { force: true });
  process.once('exit', sweep);
  return {
    staging,
    async write(bytes) {
      for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
    },
    async keep() {
      await file.sync();
      await file.close();
      await rename(staging, path);
      process.off('exit', sweep);
      const folder = await open(dirname(path));
      await folder.sync();
      await folder.close();
    },
    async drop() {
      await file.close();
      sweep();
      process.off('exit', sweep);
    },
  };
}

function stdout(): Target {
  return {
    staging: undefined,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        process.stdout.write(bytes, (error) => (error instanceof Error ? reject(error) : resolve()));
      }),
    keep: async () => {},
    drop: async () => {},
  };
}
