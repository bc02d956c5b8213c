import type { Store } from '../nvme/store.ts';
import { type CommandResult, done, failed, leaked } from './result.ts';

/** Pins end with a drain; leases do not: what is leased goes when its lease ends. */
export async function drain(store: Store): Promise<CommandResult> {
  const drained = await store.drain();
  if (drained.leaked > 0) return leaked(`${drained.leaked} blobs could not be removed.`, drained);
  if (drained.leased > 0) {
    return failed('leased', `${drained.leased} blobs are leased; they are evicted as their leases end.`, drained);
  }
  return done('ok', drained);
}
