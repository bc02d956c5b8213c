import type { Store } from '../nvme/store.ts';
import { type CommandResult, done, failed, leaked } from './result.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';

/** Pins end with a drain; leases do not: what is leased goes when its lease ends. */
export async function drain(store: Store): Promise<CommandResult> {
  const drained = await store.drain();
  if (drained.leaked > 0) return leaked(`${formatCount(drained.leaked, 'blob')} could not be removed.`, drained);
  if (drained.leased > 0) {
    return failed(
      'leased',
      `Leases hold ${formatCount(drained.leased, 'blob')}; what they hold is evicted as they end.`,
      drained,
    );
  }
  return done('ok', drained);
}
