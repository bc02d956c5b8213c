import * as z from 'zod/mini';
import { HostSession } from '../../events/host-api/v1.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import { FOLDERS, SESSION_PATH } from '../nvme/paths.ts';

/**
 * The host's key pair and what it registered as. The keys are kept before they are registered, so that a crash in between
 * registers the same ones again. Credentials are never written down.
 */
export const SessionFile = z.strictObject({
  schema: z.literal('agent-session/1'),
  privateKey: z.string(),
  publicKey: z.string(),
  session: z.optional(z.omit(HostSession, { credentials: true })),
});
export type SessionFile = z.infer<typeof SessionFile>;
export type KeptSession = NonNullable<SessionFile['session']>;

const LARGEST_BYTES = 1_000_000;
const ASIDE_PATH = `${SESSION_PATH}.next`;

/** Undefined where there is none, or none that can be read: the host then registers anew. */
export async function readSessionFile(disk: Disk): Promise<SessionFile | undefined> {
  if ((await disk.stat(SESSION_PATH)) === undefined) return undefined;
  const text = Buffer.from(await disk.read(SESSION_PATH, 0, LARGEST_BYTES)).toString('utf8');
  const parsed = SessionFile.safeParse(jsonOf(text));
  return parsed.success ? parsed.data : undefined;
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
