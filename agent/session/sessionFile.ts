import * as z from 'zod/mini';
import { HostSession } from '../../events/host-api/v1.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import { FOLDERS, SESSION_PATH } from '../nvme/paths.ts';

const KeyPair = z.strictObject({ privateKey: z.string(), publicKey: z.string() });
const KeptSession = z.omit(HostSession, { credentials: true, prices: true });
export type KeptSession = z.infer<typeof KeptSession>;

/**
 * What the host is registered as, and the keys that it registers with next. Those are kept before they are used, so that a
 * crash in between registers the same ones again and not a second time. Credentials are never written down.
 */
export const SessionFile = z.strictObject({
  schema: z.literal('agent-session/1'),
  current: z.optional(z.strictObject({ keys: KeyPair, session: KeptSession })),
  next: z.optional(KeyPair),
});
export type SessionFile = z.infer<typeof SessionFile>;

const LARGEST_BYTES = 1_000_000;
const ASIDE_PATH = `${SESSION_PATH}.next`;

/** Empty where there is none, or none that can be read: the host then registers anew. */
export async function readSessionFile(disk: Disk): Promise<SessionFile> {
  const empty: SessionFile = { schema: 'agent-session/1' };
  if ((await disk.stat(SESSION_PATH)) === undefined) return empty;
  const text = Buffer.from(await disk.read(SESSION_PATH, 0, LARGEST_BYTES)).toString('utf8');
  const parsed = SessionFile.safeParse(jsonOf(text));
  return parsed.success ? parsed.data : empty;
}

export async function writeSessionFile(disk: Disk, file: SessionFile): Promise<void> {
  await disk.makeDirectory(FOLDERS.state);
  await disk.remove(ASIDE_PATH);
  await disk.write(ASIDE_PATH, 0, Buffer.from(JSON.stringify(file)));
  await disk.sync(ASIDE_PATH);
  await disk.rename(ASIDE_PATH, SESSION_PATH);
  await disk.syncDirectory(FOLDERS.state);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
