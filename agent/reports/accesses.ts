import type { AccessesReported } from '../../events/accesses-reported/v1.ts';
import { PortError } from '../../lib/shared/errors.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { MessageSender } from '../../lib/shared/ports/messageQueue.ts';
import type { Random } from '../../lib/shared/ports/random.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { Session } from '../session/session.ts';
import { createFailureLog } from './failureLog.ts';

const MOST_PER_BATCH = 40;

type AccessCount = AccessesReported['accesses'][number];

/** Counts opens by blob and UTC day. What was not sent when the host dies is lost: counts guide decisions, they prove nothing. */
export interface Accesses {
  /** `hit`: the blob was there already when it was asked for. */
  record(digest: Digest, hit: boolean): void;
  /** Sends everything that is counted. False: some of it waits for the next time, under the same batch id. */
  flushOnce(): Promise<boolean>;
}

export interface AccessesDeps {
  readonly session: Session;
  readonly sender: MessageSender;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

export function createAccesses(deps: AccessesDeps): Accesses {
  const { session } = deps;
  const failures = createFailureLog(deps, 'accesses-not-sent');
  let counted = new Map<string, AccessCount>();
  /** Batches that were cut and not yet sent for sure; they keep their ids, so that each counts once. */
  let batches: { readonly batchId: string; readonly accesses: AccessCount[] }[] = [];

  function cutBatches(): void {
    const counts = [...counted.values()];
    counted = new Map();
    for (let at = 0; at < counts.length; at += MOST_PER_BATCH) {
      batches.push({ batchId: deps.random.id(), accesses: counts.slice(at, at + MOST_PER_BATCH) });
    }
  }

  async function sendFirst(): Promise<boolean> {
    const batch = batches[0];
    const current = session.current();
    if (batch === undefined || current === undefined || !session.connected()) return false;
    const { host, generation } = current;
    const report: AccessesReported = { schema: 'accesses-reported/1', host, generation, ...batch };
    try {
      await deps.sender.send('accesses', [{ body: JSON.stringify(session.sign(report)) }]);
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      if (error.code === 'access-denied') session.renewSoon();
      failures.failed(error, { batches: batches.length });
      return false;
    }
    failures.worked();
    batches = batches.filter((one) => one !== batch);
    return true;
  }

  return {
    record(digest, hit) {
      const now = deps.clock.now();
      const day = new Date(now).toISOString().slice(0, 10);
      const key = `${digest} ${day}`;
      const before = counted.get(key);
      counted.set(key, {
        digest,
        day,
        count: (before?.count ?? 0) + 1,
        hits: (before?.hits ?? 0) + (hit ? 1 : 0),
        lastAt: now,
      });
    },
    async flushOnce() {
      // While a batch waits, counts gather in the map, where equal ones fall together.
      if (batches.length === 0) cutBatches();
      while (batches.length > 0) if (!(await sendFirst())) return false;
      return true;
    },
  };
}
