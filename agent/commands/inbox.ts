import type { CommandReceipt } from '../../events/command-receipt/v1.ts';
import type { HostCommand } from '../../events/host-command/v1.ts';
import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { openCommand } from '../../lib/fleet/index.ts';
import { errorText, PortError } from '../../lib/shared/errors.ts';
import type { ActionId } from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { MessageReceiver, ReceivedMessage } from '../../lib/shared/ports/messageQueue.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { Bytes, type EpochMs } from '../../lib/shared/units.ts';
import type { LedgerRecord } from '../nvme/records.ts';
import type { Store } from '../nvme/store.ts';
import { createFailureLog } from '../reports/failureLog.ts';
import { forgetAt, type Receipts } from '../reports/receipts.ts';
import type { Stamps } from '../reports/stamps.ts';
import type { Session } from '../session/session.ts';
import type { KeptSession } from '../session/sessionFile.ts';
import { type ExecuteDeps, execute, isLong, subjectOf } from './execute.ts';
import { createLane } from './lane.ts';
import { type CommandEnd, type CommandResult, refused } from './result.ts';

/*
 * The host's command queue. A message: received → opened (signature, host, generation, expiry) → known already? → carried out →
 * its end and its receipt made durable in one write → removed from the queue → receipt sent. A crash before the durable end
 * lets the message come back and the command, which is idempotent, go on; after it, the message only finds its action finished.
 *
 * What is not from the plane, or not for this host, is not removed: it returns until the queue hands it to the dead letters,
 * where people see it.
 */
export interface InboxDeps extends ExecuteDeps {
  readonly store: Store;
  readonly session: Session;
  readonly receiver: MessageReceiver;
  readonly receipts: Receipts;
  readonly stamps: Stamps;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export interface InboxConfig {
  /** How long a received command is ours before it must be extended. */
  readonly visibilitySeconds: number;
  /** Long commands that run at once. */
  readonly longCommands: number;
  /** Commands held in hand; above it nothing more is received. */
  readonly mostInHand: number;
}

export interface Inbox {
  /** Receives once and starts what came; short commands have ended when it resolves. Answers how many messages came. */
  pollOnce(waitSeconds: number): Promise<number>;
  /** Keeps long commands ours; called several times per visibility time-out. */
  extendOnce(): Promise<void>;
  /** Resolves when nothing is being carried out. */
  settled(): Promise<void>;
}

interface InHand {
  readonly queue: string;
  readonly command: HostCommand;
  receiptHandle: string;
  extendedAt: EpochMs;
  work: Promise<void>;
}

export function createInbox(deps: InboxDeps, config: InboxConfig): Inbox {
  const { store, session, clock, telemetry } = deps;
  const { ledger } = store;
  const inHand = new Map<ActionId, InHand>();
  const failures = createFailureLog(deps, 'commands-not-received');
  const lane = createLane(config.longCommands);

  async function pollOnce(waitSeconds: number): Promise<number> {
    const current = session.current();
    if (current === undefined || !session.connected()) return 0;
    const max = Math.min(10, config.mostInHand - inHand.size);
    if (max <= 0) return 0;
    const messages = await receive(current.queue, max, waitSeconds);
    await Promise.all(messages.map((message) => accept(current, message)));
    return messages.length;
  }

  async function receive(queue: string, max: number, waitSeconds: number): Promise<readonly ReceivedMessage[]> {
    try {
      const messages = await deps.receiver.receive(queue, max, waitSeconds, config.visibilitySeconds);
      failures.worked();
      return messages;
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      // The queue of a fenced generation is dropped: the plane will tell what we are now.
      if (error.code === 'no-such-queue' || error.code === 'access-denied') session.renewSoon();
      failures.failed(error);
      return [];
    }
  }

  async function accept(current: KeptSession, message: ReceivedMessage): Promise<void> {
    const envelope = SignedEnvelope.safeParse(jsonOf(message.body));
    if (!envelope.success) return reject('malformed', message);
    const { host, generation, commandKeys, queue } = current;
    if (!commandKeys.some(({ keyId }) => keyId === envelope.data.keyId)) session.renewSoon();
    const opened = openCommand(envelope.data, { keys: commandKeys, host, generation, now: clock.now() });
    if (opened.outcome === 'forged') return reject(opened.reason, message);
    if (opened.outcome === 'verified') return take(queue, opened.command, message);
    if (opened.reason === 'foreign-host') return reject(opened.reason, message);
    const { actionId } = opened.command;
    telemetry.info('command-without-effect', { actionId, reason: opened.reason });
    const answerable = opened.reason === 'expired' && !ledger.state.finished.has(actionId) && !inHand.has(actionId);
    if (answerable) await finish(opened.command, clock.now(), refused('expired'));
    return remove(queue, message.receiptHandle);
  }

  function reject(reason: string, message: ReceivedMessage): void {
    telemetry.warn('command-rejected', { reason, messageId: message.messageId, receiveCount: message.receiveCount });
    telemetry.metric('CommandsRejected', 'Count', 1, { reason });
  }

  async function take(queue: string, command: HostCommand, message: ReceivedMessage): Promise<void> {
    const { actionId } = command;
    if (ledger.state.finished.has(actionId)) return remove(queue, message.receiptHandle);
    const running = inHand.get(actionId);
    if (running !== undefined) {
      // Delivered again while it runs: only the newest handle can extend and remove it.
      running.receiptHandle = message.receiptHandle;
      running.extendedAt = clock.now();
      return;
    }
    const one: InHand = {
      queue,
      command,
      receiptHandle: message.receiptHandle,
      extendedAt: clock.now(),
      work: Promise.resolve(),
    };
    inHand.set(actionId, one);
    one.work = isLong(command.command) ? lane.run(() => carryOut(one)) : carryOut(one);
    if (!isLong(command.command)) await one.work;
  }

  async function carryOut(one: InHand): Promise<void> {
    const { command } = one;
    const { actionId, correlationId } = command;
    const log = telemetry.with({ correlationId });
    const startedAt = clock.now();
    try {
      const result = await resultOf(command, startedAt);
      if (result.kind === 'stopped') {
        await changeVisibility(one, 0);
      } else {
        await finish(command, startedAt, result);
        const { code, message, outcome } = result;
        const why = message === undefined ? {} : { why: message };
        log.info('command-ended', { actionId, type: command.command.type, outcome, code, ...why });
        await remove(one.queue, one.receiptHandle);
        await deps.receipts.flushOnce();
      }
    } catch (error) {
      // Nothing durable says that it ended, so it comes back when its visibility does.
      log.error('command-broke-off', error, { actionId });
    } finally {
      inHand.delete(actionId);
    }
  }

  async function resultOf(command: HostCommand, now: EpochMs): Promise<CommandResult> {
    // It may have waited for its place past its time, or a newer command may have come meanwhile.
    if (command.expiresAt <= now) return refused('expired');
    if (isSuperseded(command)) return refused('superseded');
    return execute(deps, command.command, () => isSuperseded(command));
  }

  /** Order is by when the plane decided, not by when the queue delivered. */
  function isSuperseded({ command, issuedAt, actionId }: HostCommand): boolean {
    const subject = subjectOf(command);
    if (subject === undefined) return false;
    const newer = [...inHand.values()].some(
      (other) =>
        other.command.actionId !== actionId &&
        other.command.issuedAt > issuedAt &&
        subjectOf(other.command.command) === subject,
    );
    return newer || (ledger.state.commanded.get(subject)?.issuedAt ?? 0) > issuedAt;
  }

  async function finish(command: HostCommand, startedAt: EpochMs, end: CommandEnd): Promise<void> {
    const now = deps.stamps.next();
    const { usedBytes, capacityBytes } = await store.measures();
    const { bytesBefore, bytesAfter, outcome, code, message } = end;
    const receipt: CommandReceipt = {
      schema: 'command-receipt/1',
      actionId: command.actionId,
      origin: 'command',
      host: command.host,
      generation: command.generation,
      type: command.command.type,
      digest: 'digest' in command.command ? command.command.digest : undefined,
      correlationId: command.correlationId,
      startedAt,
      finishedAt: now,
      outcome,
      code,
      message: message?.slice(0, 2000),
      measured: {
        bytesBefore: Bytes.parse(bytesBefore),
        bytesAfter: Bytes.parse(bytesAfter),
        usedBytes,
        capacityBytes,
      },
    };
    const until = forgetAt(now, command.expiresAt);
    const records: LedgerRecord[] = [{ is: 'finished', receipt, forgetAt: until }];
    const subject = subjectOf(command.command);
    if (subject !== undefined && outcome !== 'refused') {
      records.push({ is: 'commanded', subject, issuedAt: command.issuedAt, forgetAt: until });
    }
    await ledger.commit(records);
  }

  async function remove(queue: string, receiptHandle: string): Promise<void> {
    await unlessPortFails('command-not-removed', () => deps.receiver.remove(queue, receiptHandle));
  }

  async function changeVisibility(one: InHand, seconds: number): Promise<void> {
    one.extendedAt = clock.now();
    await unlessPortFails('command-not-extended', () =>
      deps.receiver.changeVisibility(one.queue, one.receiptHandle, seconds),
    );
  }

  /** A message that stays in the queue only comes back and finds its action known. */
  async function unlessPortFails(event: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      telemetry.warn(event, { error: errorText(error) });
    }
  }

  return {
    pollOnce,
    async extendOnce() {
      const every = (config.visibilitySeconds * 1000) / 3;
      const due = [...inHand.values()].filter((one) => Math.abs(clock.now() - one.extendedAt) >= every);
      await Promise.all(due.map((one) => changeVisibility(one, config.visibilitySeconds)));
    },
    async settled() {
      while (inHand.size > 0) await Promise.all([...inHand.values()].map((one) => one.work));
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
