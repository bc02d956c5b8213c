import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from '../errors.ts';

/**
 * The file that `url` is fetched into: `path`, or in the folder that it is, the object's own name, as `aws s3 cp` and `wget` have it.
 * Throws `CliError` `bad-path` where the folder is not there, or the URL ends in nothing that could be a file's name.
 */
export async function targetOf(path: string, url: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    if (path.endsWith('/')) throw badPath(`There is no folder ${path}: make it, or name a file.`);
    return path;
  }
  const name = objectName(url);
  if (name !== undefined) return join(path, name);
  throw badPath(`${path} is a folder, and ${url} names no file: write ${join(path, 'NAME')}.`);
}

/** The last segment; keys of buckets are written as they are, paths percent-encoded. */
function objectName(url: string): string | undefined {
  const [path = ''] = url.split(/[?#]/);
  const segment = /^[a-z0-9]+:\/\/[^/]+\/(?:.*\/)?([^/]+)$/i.exec(path)?.[1];
  if (segment === undefined) return undefined;
  const name = url.startsWith('s3:') ? segment : decoded(segment);
  return name === undefined || name === '.' || name === '..' || /[/\0]/.test(name) ? undefined : name;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

const badPath = (message: string): CliError => new CliError({ code: 'bad-path', message, retryable: false });
