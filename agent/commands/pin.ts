import type { CommandOf } from '../../events/host-command/v1.ts';
import type { Store } from '../nvme/store.ts';
import { type CommandResult, done, failed, refused } from './result.ts';

/**
 * Pins a blob, or lets go of it. Its bytes are measured first: between the ledger's line and the receipt's stamp lies no wait, so the receipts of
 * one blob have the order of the ledger; and the plane's order holds, since what a newer command has overtaken meanwhile is refused.
 */
export async function pin(
  store: Store,
  { digest, type }: CommandOf<'pin'> | CommandOf<'unpin'>,
  overtaken: () => boolean,
): Promise<CommandResult> {
  const bytes = await store.measureBlob(digest);
  const measured = { bytesBefore: bytes, bytesAfter: bytes };
  if (overtaken()) return refused('superseded');
  return (await store.pin(digest, type === 'pin'))
    ? done('ok', measured)
    : failed('not-resident', 'Only a resident blob can be pinned; prefetch it first.', measured);
}
