import type { Demotion } from '../../events/command-receipt/v1.ts';
import { HOST_SPEEDS } from '../../lib/placement/index.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import { SECOND_MS, Usd } from '../../lib/shared/units.ts';
import { chooseDisplaced, copyUsd, lastingOdds } from './decideDemotion.ts';
import type { BlobEntry } from './ledgerState.ts';
import { capacityBytes, evictable, type StoreParts } from './parts.ts';
import { missingBytes } from './room.ts';
import type { DiskTier, VolumeConfig } from './volumes.ts';

type CopyTerms = Pick<Demotion, 'missUsd' | 'ssdUsd' | 'useOdds' | 'writeUsd'>;

/**
 * What copying a blob down to SSD brings and costs, by the prices, odds and speeds of now. A miss of unknown origin is priced as one of
 * STANDARD.
 */
export function termsOfNow(parts: StoreParts): (blob: BlobEntry) => CopyTerms {
  const { missCost, waitUsd, wearUsdPerByte } = parts.config.eviction;
  const ssdBytes = parts.volumes.active('ssd').reduce((sum, volume) => sum + volume.capacityBytes, 0);
  const bytes = { nvme: capacityBytes(parts), ssd: ssdBytes };
  const share = loadShare(parts);
  return ({ digest, size, origin }) => {
    // It is written, and read back to be hashed.
    const copyMs = 2 * readMs('ssd', size);
    return {
      missUsd: missCost(size, origin?.storageClass).usd,
      ssdUsd: Usd.parse(waitUsd(HOST_SPEEDS.tiers.ssd.firstByteMs + readMs('ssd', size))),
      useOdds: lastingOdds(parts.policy.useOdds(digest), bytes),
      writeUsd: Usd.parse(size * wearUsdPerByte + waitUsd(copyMs) * share),
    };
  };
}

/** What the copy of a blob is worth that lies on SSD. One that will never be served is worth nothing. */
function worthUsd(blob: BlobEntry, termsOf: (blob: BlobEntry) => CopyTerms): number {
  return blob.state === 'broken' || blob.state === 'filling' ? 0 : copyUsd(termsOf(blob));
}

/** Copies on SSD in the order in which they leave: those of least worth per byte first. */
export function leastWorthFirst(parts: StoreParts, copies: readonly BlobEntry[]): readonly BlobEntry[] {
  const termsOf = termsOfNow(parts);
  const weighed = copies.map((blob) => ({ blob, density: blob.size === 0 ? 0 : worthUsd(blob, termsOf) / blob.size }));
  return weighed.toSorted((one, other) => one.density - other.density).map(({ blob }) => blob);
}

/** An SSD volume with what has to leave it for a blob, and the worth of that. */
export interface SsdPlace {
  readonly volume: VolumeConfig;
  readonly leaves: ReadonlySet<Digest>;
  readonly displacedUsd: number;
}

/** Where the least has to leave; undefined where it fits nowhere beside what has to stay. For a blob of unknown origin nothing leaves. */
export async function cheapestPlace(parts: StoreParts, { size, origin }: BlobEntry): Promise<SsdPlace | undefined> {
  const places: SsdPlace[] = [];
  for (const volume of parts.volumes.active('ssd')) {
    const lacking = await missingBytes(parts, volume, size);
    const copies = lacking > 0 && origin !== undefined ? copiesOn(parts, volume) : [];
    const displaced = chooseDisplaced(copies, lacking);
    if (displaced === undefined) continue;
    const leaves = new Set(displaced.map(({ digest }) => digest));
    places.push({ volume, leaves, displacedUsd: displaced.reduce((sum, { usd }) => sum + usd, 0) });
  }
  return places.toSorted((one, other) => one.displacedUsd - other.displacedUsd)[0];
}

function copiesOn(parts: StoreParts, { name }: VolumeConfig) {
  const termsOf = termsOfNow(parts);
  return [...parts.ledger.state.blobs.values()]
    .filter((blob) => blob.volume === name && evictable(parts, blob))
    .map((blob) => ({ digest: blob.digest, bytes: blob.size, usd: worthUsd(blob, termsOf) }));
}

/** The share of the last minute that processes need to read, at the speeds of the drives, what they were given from them. */
function loadShare({ meters }: StoreParts): number {
  const minute = meters.lastMinute();
  if (minute === undefined) return 0;
  const { nvme, ssd } = minute.tally.tiers;
  return Math.min(
    1,
    (readMs('nvme', nvme.servedBytes) + readMs('ssd', ssd.servedBytes)) / (minute.seconds * SECOND_MS),
  );
}

function readMs(tier: DiskTier, bytes: number): number {
  return (bytes / HOST_SPEEDS.tiers[tier].bytesPerSecond) * SECOND_MS;
}
