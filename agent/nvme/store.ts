import type { Origin } from '../../events/host-command/v1.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import type { Bytes } from '../../lib/shared/units.ts';
import type { Meters } from '../metrics/meters.ts';
import { createModelsView } from '../view/view.ts';
import { cutCapacity, enforceLimits, type Resize, resize } from './admission.ts';
import { createAccessMemory, openEvictionPolicy } from './accessMemory.ts';
import { createAsks } from './asks.ts';
import { createFills, type Fills } from './fills.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { dropLost } from './lostVolumes.ts';
import { createLeases, type Lease, type Leases } from './leases.ts';
import { createLeaving } from './leaving.ts';
import {
  capacityBytes,
  evictable,
  type LocalEvent,
  plannedBytes,
  type StoreParts,
  servable,
  usedBytes,
} from './parts.ts';
import { measureStore, type StoreMeasures } from './measures.ts';
import { createMoves, type Moves } from './moves.ts';
import { FOLDERS } from './paths.ts';
import { type Rebuilt, rebuild } from './rebuild.ts';
import type { BlobEntry, LostBlob } from './ledgerState.ts';
import { evictBlob, measure, type Measured } from './removal.ts';
import type { LedgerRecord } from './records.ts';
import { createScrub, type Scrub } from './scrub.ts';
import { createSteps, type Steps } from './steps.ts';
import { createSteadyTime } from './steadyTime.ts';
import { createBlobTurns, createTurns } from './turns.ts';
import { type Verification, verifyBlob } from './verification.ts';
import { type DiskTier, openVolumes } from './volumes.ts';

/*
 * The NVMe store of one host. Layout: `state/` (the ledger), `staging/` (what is being filled), `blobs/<aa>/<digest>` (complete
 * and verified, read-only), `models/` (links for people and tools). A blob: absent → filling → resident → absent, with
 * `unchecked` for copies that must be hashed before they are served and `broken` for those that never will be.
 *
 * Invariants: what is reserved, staged and stored never exceeds the capacity; a blob stands under its name only complete and
 * verified; what is leased or pinned is not evicted; each of these holds after a crash at any moment, because every change is
 * in the ledger before it counts, and every release only after it was measured.
 */
export interface StoreDeps
  extends Pick<
    StoreParts,
    'disk' | 'clock' | 'random' | 'telemetry' | 'meters' | 'transfer' | 'objects' | 'receiptOf'
  > {
  /** Told of the ledger before anything is reported. */
  readonly onLedger: (ledger: Ledger) => void;
}

export type Eviction =
  | ({ readonly outcome: 'gone' } & Measured)
  | { readonly outcome: 'absent' }
  | { readonly outcome: 'kept'; readonly why: 'leased' | 'pinned'; readonly bytes: number }
  | ({ readonly outcome: 'leaked' } & Measured);

export interface Drain {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Blobs that stay until their leases end. */
  readonly leased: number;
  readonly leaked: number;
}

export interface Store {
  readonly ledger: Ledger;
  readonly rebuilt: Rebuilt;
  readonly fills: Fills;
  readonly leases: Leases;
  readonly scrub: Scrub;
  readonly moves: Moves;
  blob(digest: Digest): BlobEntry | undefined;
  tierOf(digest: Digest): DiskTier | undefined;
  /** That this host has volumes of, working or not. */
  tiers(): ReadonlySet<DiskTier>;
  /** What left although it should have stayed, and is to be fetched again. */
  lost(): readonly LostBlob[];
  /** Nobody tries to fetch it again any more. */
  giveUp(digest: Digest): Promise<void>;
  residents(): Digest[];
  /** Leases all of them; undefined where one is not servable or the host drains. `told`: where the plane has just said that they lie. */
  lease(digests: readonly Digest[], told?: ReadonlyMap<Digest, Origin>): Promise<Lease | undefined>;
  /** A process was given a blob that was resident already. */
  accessed(digest: Digest): void;
  /** Writes down what the eviction policy has seen, for the next start. Not necessary: without it that starts cold. */
  saveAccesses(): Promise<void>;
  measureBlob(digest: Digest): Promise<number>;
  measures(): Promise<StoreMeasures>;
  evict(digest: Digest): Promise<Eviction>;
  verify(digest: Digest): Promise<Verification>;
  /** False where the blob is not resident. */
  pin(digest: Digest, pinned: boolean): Promise<boolean>;
  resize(capacity: Bytes): Promise<Resize>;
  drain(): Promise<Drain>;
  /** Makes durable that the plane is to be told of something that the host did by itself. */
  report(event: Omit<LocalEvent, 'usedBytes'>): Promise<void>;
  /**
   * Called every few seconds: leases that ended, fills that nobody continues, removals and limits that are behind, volumes that
   * failed. A step that fails holds up none of the others.
   */
  upkeep(steps: Steps): Promise<void>;
}

/** Of what a start has to tell the eviction policy: some ten milliseconds' worth. */
const HEARD_AT_ONCE = 1000;

/**
 * Opens the store on its volume: after a crash as after a first start.
 * @throws DiskError
 */
export async function openStore(deps: StoreDeps, settings: StoreParts['config']): Promise<Store> {
  const config = atMeasuredSpeed(settings, deps.meters);
  for (const folder of Object.values(FOLDERS)) await deps.disk.makeDirectory(folder);
  await deps.disk.syncDirectory('.');
  const { ledger, condition } = await openLedger(deps.disk);
  deps.onLedger(ledger);
  const time = createSteadyTime(deps.clock);
  const volumes = await openVolumes({ ...deps, ledger }, config, config.volumes ?? []);
  const parts: StoreParts = {
    ...deps,
    config,
    time,
    ledger,
    volumes,
    leaving: createLeaving(),
    unrecorded: new Set(),
    leases: createLeases(ledger, { random: deps.random, telemetry: deps.telemetry, time }, config),
    asks: createAsks(),
    wished: new Set(),
    openedAt: deps.clock.now(),
    policy: await openEvictionPolicy(deps, config.eviction, plannedBytes(config, capacityBytes({ ledger, volumes }))),
    view: createModelsView(deps.disk, () => visibleBlobs(parts), deps.telemetry),
    blobTurns: createBlobTurns(),
    admissions: createTurns(),
    unclaimed: new Map(),
    scrubbed: new Set(),
  };
  const rebuilt = await rebuild(parts, condition);
  await parts.view.refresh();
  if (!(await enforceLimits(parts))) deps.telemetry.warn('store-above-its-limits', { usedBytes: usedBytes(parts) });
  // What a full disk refuses to record keeps no host from serving what it has.
  await createSteps(deps.telemetry).attempt('capacity', () => cutCapacity(parts));
  return createStore(parts, rebuilt);
}

/** Misses are priced at the speed that fetches of late have had. */
function atMeasuredSpeed(config: StoreParts['config'], meters: Meters): StoreParts['config'] {
  const { missCost } = config.eviction;
  const measured: typeof missCost = (bytes, storageClass) => missCost(bytes, storageClass, meters.originSpeed());
  return { ...config, eviction: { ...config.eviction, missCost: measured } };
}

function createStore(parts: StoreParts, rebuilt: Rebuilt): Store {
  const { ledger, leases } = parts;
  const { blobs, lost } = ledger.state;
  const fills = createFills(parts);
  const memory = createAccessMemory(parts);
  const abandonedSince = new Map<Digest, number>();

  async function evict(digest: Digest): Promise<Eviction> {
    const blob = blobs.get(digest);
    // A fill that has not reserved yet counts as well: without its cancellation it would bring the blob back.
    if (blob === undefined && !fills.running(digest) && !lost.has(digest)) return { outcome: 'absent' };
    if (leases.protects(digest)) return { outcome: 'kept', why: 'leased', bytes: await measure(parts, digest) };
    if (blob?.pinned === true) return { outcome: 'kept', why: 'pinned', bytes: await measure(parts, digest) };
    fills.cancel(digest);
    const measured = await evictBlob(parts, digest, { alsoCommit: () => [{ is: 'given-up', digest }] });
    if (blob === undefined && measured.bytesBefore === 0) return { outcome: 'absent' };
    return { outcome: measured.bytesAfter === 0 ? 'gone' : 'leaked', ...measured };
  }

  /** An origin that a transition has switched is fetched from, and priced, as it is now. */
  function toldAnew(digest: Digest, origin: Origin | undefined): LedgerRecord[] {
    const known = blobs.get(digest)?.origin;
    const same = known?.versionId === origin?.versionId && known?.storageClass === origin?.storageClass;
    return origin === undefined || same ? [] : [{ is: 'origin', digest, origin }];
  }

  async function evictUnprotected(): Promise<{ leased: number; leaked: number }> {
    let leased = 0;
    let leaked = 0;
    for (const digest of blobs.keys()) {
      const { outcome } = await evict(digest);
      if (outcome === 'kept') leased += 1;
      if (outcome === 'leaked') leaked += 1;
    }
    return { leased, leaked };
  }

  async function drain(): Promise<Drain> {
    const bytesBefore = usedBytes(parts);
    const pinned = [...blobs.values()].filter((blob) => blob.pinned);
    await ledger.commit([
      { is: 'draining', draining: true },
      ...pinned.map(({ digest }) => ({ is: 'pinned', digest, pinned: false }) as const),
      ...[...lost.keys()].map((digest) => ({ is: 'given-up', digest }) as const),
    ]);
    const left = await evictUnprotected();
    return { bytesBefore, bytesAfter: usedBytes(parts), ...left };
  }

  async function pin(digest: Digest, pinned: boolean): Promise<boolean> {
    if (pinned && !servable(parts, digest)) return false;
    const letGo = leases.hold([digest]);
    try {
      if (blobs.has(digest) || lost.has(digest)) await ledger.commit([{ is: 'pinned', digest, pinned }]);
      return true;
    } finally {
      letGo();
    }
  }

  async function dropAbandoned(): Promise<void> {
    const now = parts.time.elapsed();
    for (const blob of blobs.values()) {
      const idle = (blob.state === 'filling' || blob.state === 'broken') && !parts.blobTurns.busy(blob.digest);
      if (!idle) {
        abandonedSince.delete(blob.digest);
        continue;
      }
      const since = abandonedSince.get(blob.digest);
      // An earlier life died while it removed a broken copy: that is finished at once.
      const due = since === undefined ? blob.state === 'broken' : now - since >= parts.config.abandonedAfterMs;
      if (since === undefined || due) abandonedSince.set(blob.digest, now);
      if (due && evictable(parts, blob)) await evictBlob(parts, blob.digest);
    }
  }

  return {
    ledger,
    rebuilt,
    fills,
    leases,
    scrub: createScrub(parts, () => fills.anyRunning()),
    moves: createMoves(parts),
    blob: (digest) => blobs.get(digest),
    tiers: () => new Set(parts.volumes.all.map(({ tier }) => tier)),
    tierOf(digest) {
      const blob = blobs.get(digest);
      return blob && parts.volumes.tierOf(blob.volume);
    },
    lost: () => [...lost.values()],
    giveUp: (digest) => ledger.commit([{ is: 'given-up', digest }]),
    residents: () => [...blobs.keys()].filter((digest) => servable(parts, digest)),
    async lease(digests, told) {
      if (ledger.state.draining || !digests.every((digest) => servable(parts, digest))) return undefined;
      for (const digest of digests) {
        parts.asks.note(digest);
        const volume = blobs.get(digest)?.volume;
        if (volume !== undefined && parts.volumes.tierOf(volume) === 'ssd') parts.wished.add(digest);
      }
      return leases.grant(
        digests,
        digests.flatMap((digest) => toldAnew(digest, told?.get(digest))),
      );
    },
    accessed(digest) {
      const blob = blobs.get(digest);
      parts.policy.asked(digest, blob?.size ?? 0, blob?.origin?.storageClass);
    },
    saveAccesses: () => memory.save(),
    measureBlob: (digest) => measure(parts, digest),
    measures: () => measureStore(parts),
    evict,
    verify: (digest) => verifyBlob(parts, digest),
    pin,
    report: (event) => ledger.commit(parts.receiptOf({ ...event, usedBytes: usedBytes(parts) }, capacityBytes(parts))),
    resize: (capacity) => resize(parts, capacity),
    drain,
    async upkeep({ attempt }) {
      await attempt('leases', () => leases.endExpired());
      await attempt('lost-volumes', () => dropLost(parts));
      // Removals that could not be recorded when they were made.
      for (const digest of parts.unrecorded) {
        if (!parts.blobTurns.busy(digest)) await attempt('unrecorded-removals', () => evictBlob(parts, digest));
      }
      await attempt('abandoned-fills', dropAbandoned);
      if (ledger.state.draining) await attempt('drain', evictUnprotected);
      await attempt('limits', () => enforceLimits(parts));
      await attempt('view', () => parts.view.refresh());
      await attempt('access-memory', async () => {
        parts.policy.catchUp(HEARD_AT_ONCE);
        await memory.saveWhenDue();
      });
    },
  };
}

function* visibleBlobs(parts: StoreParts): Generator<BlobEntry> {
  for (const blob of parts.ledger.state.blobs.values()) if (servable(parts, blob.digest)) yield blob;
}
