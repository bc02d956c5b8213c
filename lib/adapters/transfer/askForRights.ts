import { setTimeout as sleep } from 'node:timers/promises';
import { errorText } from '../../shared/errors.ts';
import type { Failure } from './failures.ts';
import type { SignedRequest } from './worker/protocol.ts';

const TRIES = 3;
const PAUSE_MS = 200;

/**
 * A signed request of the source, or why there is none. Credentials come over a network as well: an error is met with two more
 * tries, and an answer that does not come within `deadlineMs` is an error. A failure that the source itself names is final.
 */
export async function askForRights(
  sign: () => Promise<SignedRequest | Failure>,
  deadlineMs: number,
): Promise<SignedRequest | Failure> {
  for (let tries = 1; ; tries += 1) {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`No rights came within ${deadlineMs} ms.`)), deadlineMs);
    try {
      return await Promise.race([sign(), late.promise]);
    } catch (error) {
      if (tries === TRIES) return { kind: 'unauthorized', message: errorText(error) };
    } finally {
      clearTimeout(timer);
    }
    await sleep(PAUSE_MS * tries);
  }
}
