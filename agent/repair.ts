import type { Telemetry } from '../lib/shared/ports/telemetry.ts';
import type { BlobEntry } from './nvme/records.ts';
import type { Store } from './nvme/store.ts';
import type { Heartbeats } from './reports/heartbeats.ts';
import type { Receipts } from './reports/receipts.ts';

/** Fetches again what turned out to be broken on the disk, from where it came. */
export interface Repair {
  /** Starts the fetch and returns at once. A copy whose origin is unknown comes back when it is asked for by name. */
  refetch(lost: BlobEntry): void;
  /** Scrubs one copy; what is broken is reported as gone and fetched again. False: nothing is due. */
  scrubOnce(): Promise<boolean>;
  settled(): Promise<void>;
}

interface RepairDeps {
  readonly store: Store;
  readonly receipts: Receipts;
  readonly heartbeats: Heartbeats;
  readonly telemetry: Telemetry;
}

export function createRepair({ store, receipts, heartbeats, telemetry }: RepairDeps): Repair {
  const running = new Set<Promise<void>>();

  async function fetchAgain({ digest, size, origin, entries, pinned }: BlobEntry): Promise<void> {
    if (origin === undefined || store.ledger.state.draining) return;
    const fill = await store.fills.fetch({ digest, size, origin, entries, priority: 2 });
    if (fill.outcome !== 'resident') {
      telemetry.warn('blob-not-repaired', { digest, outcome: fill.outcome });
      return;
    }
    if (pinned) await store.pin(digest, true);
    const { bytesBefore, bytesAfter } = fill;
    await store.report({ type: 'prefetch', digest, outcome: 'done', code: 'ok', bytesBefore, bytesAfter });
    await receipts.flushOnce();
    // The plane forgot the pin with the copy that was lost.
    if (pinned) await heartbeats.sendOnce('with-residents');
  }

  function refetch(lost: BlobEntry): void {
    const work = fetchAgain(lost)
      .catch((error: unknown) => telemetry.error('blob-not-repaired', error, { digest: lost.digest }))
      .finally(() => running.delete(work));
    running.add(work);
  }

  return {
    refetch,
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
        if (bytesAfter === 0) refetch(verification.lost);
      }
      return true;
    },
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
