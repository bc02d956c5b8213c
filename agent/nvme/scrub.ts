import type { PartHash } from '../../lib/shared/digest.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import type { StoreParts } from './parts.ts';
import type { BlobEntry } from './ledgerState.ts';
import { type Verification, verifyBlob } from './verification.ts';

/*
 * Hashes what lies on the disk in the background, slowly, so that flipped bits are found before they are served. When a copy
 * was last hashed is in the ledger: a restart goes on with the copy whose turn it is. It gives way to whoever wants the copy
 * that it reads, and goes on later with the part that it had reached.
 */
export interface Scrub {
  /** Checks the one copy that needs it most: unchecked ones first, then by the time of their last check. */
  step(): Promise<
    | { readonly outcome: 'nothing-due' }
    /** Somebody wanted the copy, or the agent stops. */
    | { readonly outcome: 'interrupted' }
    | { readonly outcome: 'checked'; readonly digest: Digest; readonly verification: Verification }
  >;
  /** Resolves when no step is running; none starts afterwards. */
  stop(): Promise<void>;
}

/** While blobs are being fetched, the scrub takes this share of its rate. */
const SHARE_BESIDE_FILLS = 0.1;

/** Ends a rehash in the middle; never leaves this file. */
class Interrupted extends Error {}

export function createScrub(parts: StoreParts, fillsRun: () => boolean): Scrub {
  const { config, clock } = parts;
  let stopped = false;
  let current: Promise<unknown> = Promise.resolve();
  let begun: { readonly blob: BlobEntry; readonly hashes: PartHash[] } | undefined;

  function mostInNeed(): BlobEntry | undefined {
    const now = clock.now();
    let oldest: BlobEntry | undefined;
    for (const blob of parts.ledger.state.blobs.values()) {
      if (parts.blobTurns.busy(blob.digest)) continue;
      if (blob.state === 'unchecked') return blob;
      // A clock that was set back must not put the next check off for good.
      const due = blob.state === 'resident' && Math.abs(now - blob.checkedAt) >= config.scrubEveryMs;
      if (due && (oldest === undefined || blob.checkedAt < oldest.checkedAt)) oldest = blob;
    }
    return oldest;
  }

  async function pace(digest: Digest, bytes: number): Promise<void> {
    const rate = config.scrubBytesPerSecond * (fillsRun() ? SHARE_BESIDE_FILLS : 1);
    await clock.sleep((bytes / rate) * 1000);
    if (stopped || parts.blobTurns.awaited(digest)) throw new Interrupted();
  }

  async function check(blob: BlobEntry): Promise<Awaited<ReturnType<Scrub['step']>>> {
    const { digest } = blob;
    // The same entry: nothing has happened to the copy since, so its first parts need not be read again.
    const hashes = begun?.blob === blob ? begun.hashes : [];
    begun = { blob, hashes };
    parts.scrubbed.add(digest);
    try {
      const verification = await verifyBlob(parts, digest, { hashes, pace: (bytes) => pace(digest, bytes) });
      begun = undefined;
      parts.telemetry.metric('ScrubbedBytes', 'Bytes', blob.size);
      parts.meters.scrubbed(parts.volumes.tierOf(blob.volume) ?? 'nvme', blob.size);
      return { outcome: 'checked', digest, verification };
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      return { outcome: 'interrupted' };
    } finally {
      parts.scrubbed.delete(digest);
    }
  }

  return {
    async step() {
      const blob = stopped ? undefined : mostInNeed();
      if (blob === undefined) return { outcome: 'nothing-due' };
      const checking = check(blob);
      current = checking.catch(() => undefined);
      return checking;
    },
    async stop() {
      stopped = true;
      await current;
    },
  };
}
