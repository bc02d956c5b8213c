import type { CommandOf } from '../../events/host-command/v1.ts';
import type { Store } from '../nvme/store.ts';
import { type CommandResult, done, failed, leaked } from './result.ts';

/** A copy that turns out to be broken is removed, reported, and handed to `repair`, which fetches it again. */
export async function verify(
  store: Store,
  { digest }: CommandOf<'verify'>,
  repair: () => void,
): Promise<CommandResult> {
  const verification = await store.verify(digest);
  switch (verification.outcome) {
    case 'sound':
      return done('ok', { bytesBefore: verification.bytes, bytesAfter: verification.bytes });
    case 'absent':
      return failed('not-resident', 'There is no copy to verify.', { bytesBefore: 0, bytesAfter: 0 });
    case 'corrupt':
      if (verification.bytesAfter > 0) return leaked(`${verification.message} It could not be removed.`, verification);
      repair();
      return failed(verification.code, verification.message, verification);
  }
}
