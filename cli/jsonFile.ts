import { readFile } from 'node:fs/promises';
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

const bad = (message: string, cause: unknown): CliError =>
  new CliError({ code: 'bad-file', message, retryable: false, cause });
