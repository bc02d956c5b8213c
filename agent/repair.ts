import type { Digest } from '../lib/shared/ids.ts';
import type { Clock } from '../lib/shared/ports/clock.ts';
import type { Telemetry } from '../lib/shared/ports/telemetry.ts';
import { type EpochMs, MINUTE_MS } from '../lib/shared/units.ts';
import type { FillFailure } from './nvme/fill.ts';
import type { LostBlob } from './nvme/ledgerState.ts';
import type { Store } from './nvme/store.ts';
import type { Heartbeats } from './reports/heartbeats.ts';
import type { Receipts } from './reports/receipts.ts';
import type { Session } from './session/session.ts';

/** Fetches again what turned out to be broken or lost on the disk, from where it came. */
export interface Repair {
  /** Starts the fetches that are not running yet and returns at once; what a crash cuts off is started again by the next life. */
  refetchLost(): void;
  /** Scrubs one copy; what is broken is reported as gone and fetched again. False: nothing is due. */
  scrubOnce(): Promise<boolean>;
  settled(): Promise<void>;
}

interface RepairDeps {
  readonly store: Store;
  readonly session: Session;
  readonly receipts: Receipts;
  readonly heartbeats: Heartbeats;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** Between two tries of what is pinned. */
const PAUSE_MS = 10 * MINUTE_MS;
/** May pass: for what is pinned it is tried again. */
export const PASSING: readonly FillFailure[] = ['no-room', 'disk-error', 'wrong-bytes', 'origin-unavailable', 'denied'];

export function createRepair({ store, session, receipts, heartbeats, clock, telemetry }: RepairDeps): Repair {
  const running = new Map<Digest, Promise<void>>();
  const triedAt = new Map<Digest, EpochMs>();

  async function fetchAgain({ pinned, ...wanted }: LostBlob): Promise<void> {
    const { digest } = wanted;
    const fill = await store.fills.fetch({ ...wanted, priority: 2 });
    if (fill.outcome === 'stopped') return;
    if (fill.outcome === 'failed') {
      if (pinned && PASSING.includes(fill.code)) {
        telemetry.warn('blob-repair-put-off', { digest, code: fill.code });
        return;
      }
      telemetry.warn('blob-not-repaired', { digest, code: fill.code });
      await store.giveUp(digest);
      return;
    }
    const { bytesBefore, bytesAfter } = fill;
    await store.report({ type: 'prefetch', digest, outcome: 'done', code: 'ok', bytesBefore, bytesAfter });
    await receipts.flushOnce();
    // The plane forgot the pin with the copy that was lost.
    if (store.blob(digest)?.pinned === true) await heartbeats.sendOnce('with-residents');
  }

  /** A clock that was set back must not put it off for good. */
  function isPaused(digest: Digest): boolean {
    const tried = triedAt.get(digest);
    return tried !== undefined && Math.abs(clock.now() - tried) < PAUSE_MS;
  }

  function refetch(lost: LostBlob): void {
    const { digest } = lost;
    if (running.has(digest) || isPaused(digest)) return;
    triedAt.set(digest, clock.now());
    const work = fetchAgain(lost)
      .catch((error: unknown) => telemetry.error('blob-not-repaired', error, { digest }))
      .finally(() => {
        running.delete(digest);
        if (!store.ledger.state.lost.has(digest)) triedAt.delete(digest);
      });
    running.set(digest, work);
  }

  function refetchLost(): void {
    if (store.ledger.state.draining || !session.connected()) return;
    for (const lost of store.lost()) refetch(lost);
  }

  return {
    refetchLost,
    async scrubOnce() {
      const scrubbed = await store.scrub.step();
      if (scrubbed.outcome !== 'checked') return scrubbed.outcome === 'interrupted';
      const { digest, verification } = scrubbed;
      if (verification.outcome === 'corrupt') {
        const { code, message, bytesBefore, bytesAfter } = verification;
        telemetry.warn('corrupt-copy-found', { digest, code, message });
        telemetry.metric('CorruptCopies', 'Count', 1);
        const outcome = bytesAfter === 0 ? 'done' : 'leaked';
        await store.report({ type: 'evict', digest, outcome, code, message, bytesBefore, bytesAfter });
        refetchLost();
      }
      return true;
    },
    async settled() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
