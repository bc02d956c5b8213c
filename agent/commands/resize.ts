import type { CommandOf } from '../../events/host-command/v1.ts';
import type { Store } from '../nvme/store.ts';
import { type CommandResult, done, failed } from './result.ts';

export async function resize(store: Store, { capacityBytes }: CommandOf<'resize'>): Promise<CommandResult> {
  const { usedBytes: bytesBefore } = await store.measures();
  const resized = await store.resize(capacityBytes);
  const { usedBytes: bytesAfter } = await store.measures();
  return resized.outcome === 'resized'
    ? done('ok', { bytesBefore, bytesAfter })
    : failed(resized.code, resized.message, { bytesBefore, bytesAfter });
}
