import type { CommandOf } from '../../events/host-command/v1.ts';
import type { Store } from '../nvme/store.ts';
import { type CommandResult, done, failed, leaked } from './result.ts';

export async function evict(store: Store, { digest }: CommandOf<'evict'>): Promise<CommandResult> {
  const eviction = await store.evict(digest);
  switch (eviction.outcome) {
    case 'gone':
      return done('ok', eviction);
    case 'absent':
      return done('already-absent', { bytesBefore: 0, bytesAfter: 0 });
    case 'kept': {
      const measured = { bytesBefore: eviction.bytes, bytesAfter: eviction.bytes };
      return failed(eviction.why, `The blob is ${eviction.why} on this host and stays.`, measured);
    }
    case 'leaked':
      return leaked('The file could not be removed.', eviction);
  }
}
