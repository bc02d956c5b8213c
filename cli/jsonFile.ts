import { readFile } from 'node:fs/promises';
import { CliError } from './errors.ts';

/** What a JSON file holds. Throws `CliError` where it cannot be read or is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  const bad = (message: string, cause: unknown) => new CliError({ code: 'bad-file', message, retryable: false, cause });
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw bad(`${path} cannot be read. Is the path right?`, cause);
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw bad(`${path} holds no JSON.`, cause);
  }
}
