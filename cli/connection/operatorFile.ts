import { lstat, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { CliError } from '../errors.ts';

/** What the embedded runtime writes into its data folder while it runs. */
const OperatorFile = z.object({ endpoint: z.url(), token: z.string() });
export type OperatorFile = z.infer<typeof OperatorFile>;

const Denied = z.object({ code: z.literal('EACCES') });

export async function readOperatorFile(data: string): Promise<OperatorFile> {
  try {
    return OperatorFile.parse(JSON.parse(await readFile(join(data, 'operator.json'), 'utf8')));
  } catch (cause) {
    if (Denied.safeParse(cause).success) {
      const message = `${join(data, 'operator.json')} cannot be read by this user: run this as the user of the plane.`;
      throw new CliError({ code: 'no-plane', message, retryable: false, cause });
    }
    throw new CliError({
      code: 'no-plane',
      message: `No runtime has run in ${data}. Start one: npm start -- --data ${data}`,
      retryable: false,
      cause,
    });
  }
}

export interface FoundRuntime {
  readonly folder: string;
  readonly operator: OperatorFile;
}

/** The newest runtime of this user that runs in a temporary folder, as `npm start` does without --data. */
export async function findOperatorFile(): Promise<FoundRuntime | undefined> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith('strata-'));
  const running: { readonly folder: string; readonly since: number }[] = [];
  for (const name of names) {
    const folder = join(tmpdir(), name);
    const since = await runsSince(folder);
    if (since !== undefined) running.push({ folder, since });
  }
  const [newest] = running.sort((a, b) => b.since - a.since);
  return newest && { folder: newest.folder, operator: await readOperatorFile(newest.folder) };
}

/** Another user may put anything into the temporary folder: only our own folders count. */
async function runsSince(folder: string): Promise<number | undefined> {
  try {
    const { uid: owner } = await lstat(folder);
    const { uid, mtimeMs } = await lstat(join(folder, 'operator.json'));
    if (owner !== process.getuid?.() || uid !== owner) return undefined;
    process.kill(Number.parseInt(await readFile(join(folder, 'runtime.pid'), 'utf8'), 10), 0);
    return mtimeMs;
  } catch {
    return undefined;
  }
}
