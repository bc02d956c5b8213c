import type { CommandOf } from '../../events/host-command/v1.ts';
import type { Store } from '../nvme/store.ts';
import { type CommandResult, done } from './result.ts';

export async function unpin(store: Store, { digest }: CommandOf<'unpin'>): Promise<CommandResult> {
  await store.pin(digest, false);
  const bytes = await store.measureBlob(digest);
  return done('ok', { bytesBefore: bytes, bytesAfter: bytes });
}
