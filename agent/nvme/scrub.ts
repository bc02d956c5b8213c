import type { Digest } from '../../lib/shared/ids.ts';
import type { StoreParts } from './parts.ts';
import type { BlobEntry } from './records.ts';
import { type Verification, verifyBlob } from './verification.ts';

/** Hashes what lies on the disk in the background, slowly, so that flipped bits are found before they are served. */
export interface Scrub {
  /** Checks the one copy that needs it most: unchecked ones first, then by the time since their last check. */
  step(): Promise<{ readonly digest: Digest; readonly verification: Verification } | undefined>;
}

export function createScrub(parts: StoreParts): Scrub {
  const checkedAt = new Map<Digest, number>();
  const opened = parts.time.elapsed();

  const pace = (bytes: number) => parts.clock.sleep((bytes / parts.config.scrubBytesPerSecond) * 1000);

  function mostInNeed(): BlobEntry | undefined {
    const now = parts.time.elapsed();
    let oldest: { readonly blob: BlobEntry; readonly at: number } | undefined;
    for (const blob of parts.ledger.state.blobs.values()) {
      if (parts.blobTurns.busy(blob.digest)) continue;
      if (blob.state === 'unchecked') return blob;
      if (blob.state !== 'resident') continue;
      const at = checkedAt.get(blob.digest) ?? opened;
      const due = now - at >= parts.config.scrubEveryMs;
      if (due && (oldest === undefined || at < oldest.at)) oldest = { blob, at };
    }
    return oldest?.blob;
  }

  return {
    async step() {
      const blob = mostInNeed();
      if (blob === undefined) return undefined;
      const verification = await verifyBlob(parts, blob.digest, pace);
      checkedAt.set(blob.digest, parts.time.elapsed());
      for (const digest of checkedAt.keys()) if (!parts.ledger.state.blobs.has(digest)) checkedAt.delete(digest);
      return { digest: blob.digest, verification };
    },
  };
}
