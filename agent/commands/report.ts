import type { Heartbeats } from '../reports/heartbeats.ts';
import type { Store } from '../nvme/store.ts';
import { type CommandResult, done, failed } from './result.ts';

export async function report(store: Store, heartbeats: Heartbeats): Promise<CommandResult> {
  const { usedBytes } = await store.measures();
  const measured = { bytesBefore: usedBytes, bytesAfter: usedBytes };
  const sent = await heartbeats.sendOnce('with-residents');
  return sent ? done('ok', measured) : failed('cancelled', 'The report could not be sent.', measured);
}
