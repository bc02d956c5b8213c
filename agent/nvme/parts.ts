import type { CommandReceipt, Demotion, EvictionChoice } from '../../events/command-receipt/v1.ts';
import type { Digest, VolumeName } from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';
import type { Random } from '../../lib/shared/ports/random.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { Transfer } from '../../lib/shared/ports/transfer.ts';
import { Bytes, type DurationMs, type EpochMs } from '../../lib/shared/units.ts';
import type { Meters } from '../metrics/meters.ts';
import type { ModelsView } from '../view/view.ts';
import type { Asks } from './asks.ts';
import type { EvictionConfig, EvictionPolicy } from './evictionPolicy.ts';
import type { Ledger } from './ledger.ts';
import type { Leases } from './leases.ts';
import type { Leaving } from './leaving.ts';
import type { BlobEntry } from './ledgerState.ts';
import type { LedgerRecord } from './records.ts';
import type { SteadyTime } from './steadyTime.ts';
import type { BlobTurns, Turns } from './turns.ts';
import type { VolumeConfig, Volumes } from './volumes.ts';

export interface StoreConfig {
  /** The most bytes that blobs and staging files may take together. A `resize` command overrides it. */
  readonly capacityBytes: Bytes;
  /** Left free on the volume whatever the capacity says. */
  readonly headroomBytes: Bytes;
  /** Beside the first one, to which the two above belong; the disk shows each under `volumes/<name>`. */
  readonly volumes?: readonly VolumeConfig[];
  /** Shares of the limit: above `high`, upkeep evicts down to `low`, so that a fill seldom waits for removals. */
  readonly watermarks?: { readonly high: number; readonly low: number };
  /** Of every blob; only tests use another than `PART_SIZE`. */
  readonly partSize: number;
  readonly leaseTtlMs: DurationMs;
  /** How often a fill is tried while the origin cannot be reached. */
  readonly fillAttempts: number;
  /** A partial fill that nobody continues is dropped after this. */
  readonly abandonedAfterMs: DurationMs;
  /** Each copy is hashed again after this, at most `scrubBytesPerSecond` fast. */
  readonly scrubEveryMs: DurationMs;
  readonly scrubBytesPerSecond: number;
  readonly eviction: EvictionConfig;
}

/** What the store reports of itself without having been commanded. */
export interface LocalEvent {
  readonly type: 'prefetch' | 'evict' | 'demote';
  readonly digest: Digest;
  readonly outcome: CommandReceipt['outcome'];
  readonly code: CommandReceipt['code'];
  readonly message?: string;
  /** Of an eviction that the policy chose. */
  readonly choice?: EvictionChoice;
  /** Of what left NVMe ahead of need. */
  readonly demotion?: Demotion;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Of the whole store afterwards. */
  readonly usedBytes: Bytes;
}

/** What the modules of the store work with; one set per incarnation of the agent. */
export interface StoreParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly meters: Meters;
  readonly transfer: Transfer;
  readonly objects: ObjectReader;
  readonly config: StoreConfig;
  readonly time: SteadyTime;
  readonly ledger: Ledger;
  readonly volumes: Volumes;
  readonly leases: Leases;
  readonly policy: EvictionPolicy;
  readonly asks: Asks;
  readonly view: ModelsView;
  /** One piece of work at a time per blob: fills, evictions and verifications of one blob never overlap. */
  readonly blobTurns: BlobTurns;
  /** Reservations and resizes, one at a time: what one of them counted stays true until it has committed. */
  readonly admissions: Turns;
  /** Blobs that are about to leave: no longer served, not yet gone. Set and checked without an await in between. */
  readonly leaving: Leaving;
  /** Evictions that have begun and are not yet durable: the files may be gone. Not served; upkeep retries them. */
  readonly unrecorded: Set<Digest>;
  /** Bytes that a reservation has not yet claimed from the volume. */
  readonly unclaimed: Map<Digest, number>;
  /** Blobs on a slower volume that were asked for: they are to move up. */
  readonly wished: Set<Digest>;
  readonly openedAt: EpochMs;
  /** Copies whose turn the scrub holds; it gives way to whoever asks for the turn. */
  readonly scrubbed: Set<Digest>;
  /** Records that make the plane learn of a local event; none while the host has never registered. */
  readonly receiptOf: (event: LocalEvent, capacityBytes: Bytes) => readonly LedgerRecord[];
}

/** What blobs take on a volume: complete, partial, reserved, and on their way from or to another one. */
export function usedOn(parts: StoreParts, volume: VolumeName): number {
  let used = 0;
  for (const blob of parts.ledger.state.blobs.values()) {
    if (blob.volume === volume || blob.also === volume) used += blob.size;
  }
  return used;
}

/** Of the NVMe volumes together: what the plane places by. */
export function usedBytes(parts: StoreParts): Bytes {
  const used = parts.volumes.active('nvme').reduce((sum, { name }) => sum + usedOn(parts, name), 0);
  return Bytes.parse(used);
}

export function reservedBytes(parts: StoreParts): Bytes {
  let reserved = 0;
  for (const blob of parts.ledger.state.blobs.values()) if (blob.state === 'filling') reserved += blob.size;
  return Bytes.parse(reserved);
}

/** Of the NVMe volumes together. A `resize` command bounds them together, each keeping its own limit. */
export function capacityBytes({ ledger, volumes }: Pick<StoreParts, 'ledger' | 'volumes'>): Bytes {
  const configured = volumes.active('nvme').reduce((sum, volume) => sum + volume.capacityBytes, 0);
  return ledger.state.capacityBytes ?? Bytes.parse(configured);
}

/** What the eviction policy plans with: above the low watermark nothing stays for long. */
export function plannedBytes(config: StoreConfig, capacity: Bytes): number {
  return capacity * (config.watermarks?.low ?? 1);
}

/** Whether an inference process may be given this blob now. */
export function servable(parts: StoreParts, digest: Digest): boolean {
  const blob = parts.ledger.state.blobs.get(digest);
  return blob?.state === 'resident' && parts.volumes.isActive(blob.volume) && !departs(parts, digest);
}

function departs(parts: StoreParts, digest: Digest): boolean {
  return parts.leaving.has(digest) || parts.unrecorded.has(digest);
}

export function evictable(parts: StoreParts, blob: BlobEntry): boolean {
  return (
    (!blob.pinned || blob.state === 'broken') &&
    !parts.leases.protects(blob.digest) &&
    (!parts.blobTurns.busy(blob.digest) || givesWay(parts, blob.digest)) &&
    !departs(parts, blob.digest)
  );
}

function givesWay(parts: StoreParts, digest: Digest): boolean {
  return parts.scrubbed.has(digest) && !parts.blobTurns.awaited(digest);
}
