import type { CommandReceipt } from '../../events/command-receipt/v1.ts';
import { PortError } from '../../lib/shared/errors.ts';
import { ActionId, CorrelationId } from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import { type MessageSender, QUEUE_LIMITS } from '../../lib/shared/ports/messageQueue.ts';
import type { Random } from '../../lib/shared/ports/random.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { Bytes, DAY_MS, EpochMs } from '../../lib/shared/units.ts';
import type { Ledger } from '../nvme/ledger.ts';
import type { LocalEvent } from '../nvme/parts.ts';
import type { LedgerRecord } from '../nvme/records.ts';
import type { Session } from '../session/session.ts';
import { createFailureLog } from './failureLog.ts';
import type { Stamps } from './stamps.ts';

/** How long past its expiry an action is remembered: far more than any clock is wrong, so that a replay is always known. */
const REMEMBER_MS = DAY_MS;

export interface Receipts {
  /** Sends what waits, oldest first. True when nothing waits any more. Sending twice is harmless: the plane settles once. */
  flushOnce(): Promise<boolean>;
  /** Drops the memory of actions that can no longer be replayed. */
  forgetOld(): Promise<void>;
}

export interface ReceiptsDeps {
  readonly ledger: Ledger;
  readonly session: Session;
  readonly sender: MessageSender;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export function forgetAt(now: EpochMs, expiresAt: EpochMs): EpochMs {
  return EpochMs.parse(Math.max(now, expiresAt) + REMEMBER_MS);
}

/** The record that makes the plane learn of what the host did by itself. */
export function localReceipt(
  deps: { readonly session: Session; readonly stamps: Stamps; readonly random: Random },
  capacity: Bytes,
  event: LocalEvent,
): LedgerRecord[] {
  const session = deps.session.current();
  if (session === undefined) return [];
  // An older plane knows nothing of what moves within a host.
  const tellsMoves = session.protocol >= 3;
  if (event.type === 'demote' && !tellsMoves) return [];
  const now = deps.stamps.next();
  const id = deps.random.id();
  const receipt: CommandReceipt = {
    schema: 'command-receipt/1',
    actionId: ActionId.parse(`local:${id}`),
    origin: 'local',
    host: session.host,
    generation: session.generation,
    type: event.type,
    digest: event.digest,
    correlationId: CorrelationId.parse(`local:${id}`),
    startedAt: now,
    finishedAt: now,
    outcome: event.outcome,
    code: event.code,
    message: event.message,
    choice: event.choice,
    demotion: tellsMoves ? event.demotion : undefined,
    measured: {
      bytesBefore: Bytes.parse(event.bytesBefore),
      bytesAfter: Bytes.parse(event.bytesAfter),
      usedBytes: event.usedBytes,
      capacityBytes: capacity,
    },
  };
  return [{ is: 'finished', receipt, forgetAt: forgetAt(now, now) }];
}

export function createReceipts(deps: ReceiptsDeps): Receipts {
  const { ledger, session } = deps;
  const failures = createFailureLog(deps, 'receipts-not-sent');
  let flushing: Promise<boolean> | undefined;

  async function flush(): Promise<boolean> {
    for (;;) {
      const unsent = [...ledger.state.finished.values()].filter((action) => action.unsent !== undefined);
      const batch = unsent.slice(0, QUEUE_LIMITS.batchMessages);
      if (batch.length === 0) return true;
      const generation = session.current()?.generation;
      if (generation === undefined || !session.connected()) return false;
      // What an older generation did is settled by the reports of the new one; its receipts would be refused.
      const messages = batch.flatMap(({ unsent: receipt }) =>
        receipt?.generation === generation ? [{ body: JSON.stringify(session.sign(receipt)) }] : [],
      );
      try {
        if (messages.length > 0) await deps.sender.send('receipts', messages);
      } catch (error) {
        if (!(error instanceof PortError)) throw error;
        if (error.code === 'access-denied') session.renewSoon();
        failures.failed(error, { waiting: unsent.length });
        return false;
      }
      if (messages.length > 0) failures.worked();
      await ledger.commit(batch.map(({ actionId, forgetAt }) => ({ is: 'receipt-sent', actionId, forgetAt })));
    }
  }

  return {
    flushOnce() {
      flushing ??= flush().finally(() => {
        flushing = undefined;
      });
      return flushing;
    },
    async forgetOld() {
      const now = deps.clock.now();
      const { finished, commanded } = ledger.state;
      const records: LedgerRecord[] = [];
      for (const action of finished.values()) {
        if (action.unsent === undefined && action.forgetAt < now) {
          records.push({ is: 'forgotten', actionId: action.actionId });
        }
      }
      for (const [subject, times] of commanded) {
        if (times.forgetAt < now) records.push({ is: 'subject-forgotten', subject });
      }
      if (records.length > 0) await ledger.commit(records);
    },
  };
}
