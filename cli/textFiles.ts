import { readFile, writeFile } from 'node:fs/promises';
import { CliError } from './errors.ts';

/** What a JSON file holds. Throws `CliError` where it cannot be read or is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw bad(`${path} holds no JSON.`, cause);
  }
}

/** Throws `CliError` where the file cannot be read. */
export function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw bad(`${path} cannot be read. Is the path right?`, cause);
  });
}

/** `fresh`: nothing is overwritten. Throws `CliError`, `exists` or `bad-path`. */
export async function writeText(path: string, text: string, fresh?: 'fresh'): Promise<void> {
  await writeFile(path, text, { flag: fresh === undefined ? 'w' : 'wx' }).catch((cause: unknown) => {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    const message = `${path} ${taken ? 'is there already; nothing is overwritten' : 'cannot be written'}.`;
    throw new CliError({ code: taken ? 'exists' : 'bad-path', message, retryable: false, cause });
  });
}

const bad = (message: string, cause: unknown): CliError =>
  new CliError({ code: 'bad-file', message, retryable: false, cause });
