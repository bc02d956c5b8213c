import type { CommandOf } from '../../events/host-command/v1.ts';
import type { Store } from '../nvme/store.ts';
import { type CommandResult, done, failed } from './result.ts';

export async function pin(store: Store, { digest }: CommandOf<'pin'>): Promise<CommandResult> {
  const pinned = await store.pin(digest, true);
  const bytes = await store.measureBlob(digest);
  const measured = { bytesBefore: bytes, bytesAfter: bytes };
  return pinned
    ? done('ok', measured)
    : failed('not-resident', 'Only a resident blob can be pinned; prefetch it first.', measured);
}
