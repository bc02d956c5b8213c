import type { Origin, ViewEntry } from '../../events/host-command/v1.ts';
import type { PartManifest } from '../../lib/shared/digest.ts';
import { errorText } from '../../lib/shared/errors.ts';
import type { Digest, VolumeName } from '../../lib/shared/ids.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';
import type { RunningTransfer, TransferOutcome } from '../../lib/shared/ports/transfer.ts';
import type { Bytes } from '../../lib/shared/units.ts';
import { reserve } from './admission.ts';
import { readManifest } from './manifest.ts';
import { type StoreParts, servable } from './parts.ts';
import type { LedgerRecord } from './records.ts';
import { blobPath, FIRST_VOLUME, stagingFolder, stagingPath } from './paths.ts';
import { condemn, measure, removeBlob } from './removal.ts';
import { unveil } from './unveil.ts';
import { verifyInTurn } from './verification.ts';

/*
 * A fill: reserve → allocate → transfer part by part → publish by rename. A fill that fails removes its staging file and gives
 * its bytes back, once. Only one that is stopped with the agent (or dies with it) leaves its reservation and its verified parts
 * behind, for the next to continue.
 */
export interface FillRequest {
  readonly digest: Digest;
  readonly size: Bytes;
  readonly origin: Origin;
  readonly entries: readonly ViewEntry[];
  readonly priority: 0 | 1 | 2;
}

export type FillFailure =
  | 'no-room'
  | 'draining'
  | 'disk-error'
  | 'wrong-bytes'
  | 'origin-absent'
  | 'origin-archived'
  | 'origin-unavailable'
  | 'denied'
  | 'superseded';

export type FillOutcome =
  | {
      readonly outcome: 'resident';
      readonly fetched: boolean;
      readonly bytesBefore: number;
      readonly bytesAfter: number;
    }
  /** `bytesAfter` above zero: what was staged could not be removed, or, where it `stays`, a complete copy was there before. */
  | {
      readonly outcome: 'failed';
      readonly code: FillFailure;
      readonly message: string;
      readonly bytesBefore: number;
      readonly bytesAfter: number;
      readonly stays?: true;
    }
  /** The agent stops; the same request continues it later. */
  | { readonly outcome: 'stopped' };

export interface Flight {
  /** Falls when somebody joins who waits for it more urgently. */
  priority: FillRequest['priority'];
  ending: 'superseded' | 'stopped' | undefined;
  readonly ended: PromiseWithResolvers<void>;
  transfer: RunningTransfer | undefined;
}

/** How a fill ended, before what it left was cleaned up. */
type Ending =
  | { readonly end: 'resident'; readonly fetched: boolean }
  | { readonly end: 'stopped' }
  | { readonly end: 'failed'; readonly code: FillFailure; readonly message: string; readonly retryable?: boolean };

/** The caller holds the blob's turn. */
export async function fill(parts: StoreParts, request: FillRequest, flight: Flight): Promise<FillOutcome> {
  const { digest } = request;
  let bytesBefore = 0;
  let ending: Ending;
  try {
    bytesBefore = await measure(parts, digest);
    ending = await fillOrEnd(parts, request, flight);
    if (ending.end === 'resident') {
      const bytesAfter = await measure(parts, digest);
      return { outcome: 'resident', fetched: ending.fetched, bytesBefore, bytesAfter };
    }
    if (ending.end === 'stopped') return { outcome: 'stopped' };
  } catch (error) {
    ending = diskFailure(error);
  }
  const { code, message } = ending;
  if (code !== 'superseded') parts.meters.fetchFailed(code);
  // A complete copy outlives a failure beside it, as of writing its further name down: somebody may be using it.
  if (servable(parts, digest)) {
    return { outcome: 'failed', code, message, bytesBefore, bytesAfter: request.size, stays: true };
  }
  try {
    const bytesAfter = parts.ledger.state.blobs.has(digest) ? (await removeBlob(parts, digest)).bytesAfter : 0;
    return { outcome: 'failed', code, message, bytesBefore, bytesAfter };
  } catch (error) {
    // The reservation outlives the failure, so the bytes stay counted until upkeep has them removed.
    parts.telemetry.error('fill-not-cleaned-up', error, { digest });
    return { outcome: 'failed', code, message, bytesBefore, bytesAfter: bytesBefore };
  }
}

async function fillOrEnd(parts: StoreParts, request: FillRequest, flight: Flight): Promise<Ending> {
  const standing = await settleWhatStands(parts, request);
  if (standing === 'resident') {
    await nameBlob(parts, request);
    return { end: 'resident', fetched: false };
  }
  if (standing === 'stuck') return { end: 'failed', code: 'disk-error', message: 'An old copy cannot be removed.' };
  for (let attempt = 1; ; attempt += 1) {
    const ending = (await attemptFill(parts, request, flight)) ?? (await publish(parts, request));
    if (ending.end !== 'failed' || ending.retryable !== true || attempt >= parts.config.fillAttempts) return ending;
    parts.meters.retried(ending.code);
    parts.telemetry.warn('fill-retried', { digest: request.digest, attempt, code: ending.code });
    await Promise.race([parts.clock.sleep(retryPauseMs(attempt, parts.random.number())), flight.ended.promise]);
  }
}

/** Doubles from one second to a minute; half of it is random, so that a fleet does not come back in step. */
function retryPauseMs(attempt: number, random: number): number {
  const full = Math.min(1000 * 2 ** (attempt - 1), 60_000);
  return full / 2 + (full / 2) * random;
}

/** What to do about a copy that is there already: use it, continue it, or clear it away. */
async function settleWhatStands(parts: StoreParts, request: FillRequest): Promise<'resident' | 'fill' | 'stuck'> {
  const { digest, size } = request;
  const blob = parts.ledger.state.blobs.get(digest);
  if (blob === undefined) return 'fill';
  if (blob.state === 'filling' && blob.size === size) return 'fill';
  const wasServable = servable(parts, digest);
  if (wasServable && (await parts.disk.stat(blobPath(digest, blob.volume)))?.size === size) return 'resident';
  if (blob.state === 'unchecked') {
    const checked = await verifyInTurn(parts, digest);
    if (checked.outcome === 'sound') return 'resident';
    return checked.outcome === 'corrupt' && checked.bytesAfter > 0 ? 'stuck' : 'fill';
  }
  if (wasServable) await condemn(parts, digest);
  else await parts.ledger.commit([{ is: 'broken', digest }]);
  if ((await removeBlob(parts, digest)).bytesAfter > 0) return 'stuck';
  return 'fill';
}

/** Until all parts are staged: then undefined. */
async function attemptFill(parts: StoreParts, request: FillRequest, flight: Flight): Promise<Ending | undefined> {
  const { digest, size, origin } = request;
  if (flight.ending !== undefined) return interrupted(flight.ending);
  const read = await readManifest(parts.objects, { digest, size, partSize: parts.config.partSize });
  if (read.outcome === 'failed') {
    return { end: 'failed', code: read.code, message: read.message, retryable: read.code === 'origin-unavailable' };
  }
  const known = parts.ledger.state.blobs.get(digest);
  if (known === undefined) {
    const admission = await reserve(parts, digest, size, origin);
    if (admission.outcome === 'refused') return { end: 'failed', code: admission.code, message: admission.message };
  } else if (parts.ledger.state.draining) {
    return { end: 'failed', code: 'draining', message: 'This host is draining.' };
  } else {
    // Recorded parts are worth what is staged: a removal may have taken the file and failed to say so.
    const staged = await parts.disk.stat(stagingPath(digest, known.volume));
    const again: LedgerRecord = { is: 'reserved', digest, size, origin, volume: known.volume };
    const lost = staged === undefined && known.parts.size > 0;
    await parts.ledger.commit(lost ? [again, { is: 'unstaged', digest }] : [again]);
  }
  await claim(parts, digest, size);
  if (flight.ending !== undefined) return interrupted(flight.ending);
  return transferParts(parts, request, flight, read.manifest);
}

/** Takes the blocks from the volume before the first byte, so that a full disk is met now and not in the middle. */
async function claim(parts: StoreParts, digest: Digest, size: Bytes): Promise<void> {
  const volume = volumeOf(parts, digest);
  const path = stagingPath(digest, volume);
  await parts.disk.write(path, 0, new Uint8Array());
  await parts.disk.allocate(path, size);
  await parts.disk.syncDirectory(stagingFolder(volume));
  parts.unclaimed.delete(digest);
}

async function transferParts(
  parts: StoreParts,
  request: FillRequest,
  flight: Flight,
  manifest: PartManifest,
): Promise<Ending | undefined> {
  const { digest, origin } = request;
  const done = parts.ledger.state.blobs.get(digest)?.parts ?? new Set();
  const job = {
    id: digest,
    source: origin,
    manifest,
    path: stagingPath(digest, volumeOf(parts, digest)),
    done,
    get priority() {
      return flight.priority;
    },
  };
  const { meters } = parts;
  const began = meters.time.elapsed();
  const endFetching = meters.fetching();
  let outcome: TransferOutcome;
  try {
    flight.transfer = parts.transfer.start(job, async (part) => {
      await parts.ledger.commit([{ is: 'part', digest, part }]);
      const bytes = Math.min(manifest.partSize, manifest.size - part * manifest.partSize);
      meters.received(bytes);
      meters.wrote(parts.volumes.tierOf(volumeOf(parts, digest)) ?? 'nvme', bytes);
    });
    outcome = await flight.transfer.outcome;
  } finally {
    endFetching();
  }
  // Once it has ended well it is published, whoever wanted it stopped.
  if (outcome.outcome === 'done') {
    meters.fetched(outcome.bytesRead, meters.time.elapsed() - began);
    return undefined;
  }
  if (outcome.outcome === 'cancelled') return interrupted(flight.ending ?? 'superseded');
  return { end: 'failed', code: failureCode(outcome), message: outcome.message, retryable: outcome.retryable };
}

function failureCode(outcome: Extract<TransferOutcome, { outcome: 'failed' }>): FillFailure {
  return outcome.code === 'no-space' ? 'no-room' : outcome.code;
}

function interrupted(ending: 'superseded' | 'stopped'): Ending {
  if (ending === 'stopped') return { end: 'stopped' };
  return { end: 'failed', code: 'superseded', message: 'A later command made this fetch pointless.' };
}

/** The staged bytes are complete, verified and synced; the rename makes them the blob, for good before anyone is told. */
async function publish(parts: StoreParts, request: FillRequest): Promise<Ending> {
  const { disk, ledger, clock } = parts;
  const { digest, size, origin } = request;
  await unveil(disk, digest, volumeOf(parts, digest), size);
  await ledger.commit([{ is: 'resident', digest, at: clock.now() }]);
  parts.policy.entered(digest, size, origin.storageClass);
  await nameBlob(parts, request);
  return { end: 'resident', fetched: true };
}

function volumeOf(parts: StoreParts, digest: Digest): VolumeName {
  return parts.ledger.state.blobs.get(digest)?.volume ?? FIRST_VOLUME;
}

/** Gives a resident blob further names in the view. */
export async function nameBlob(parts: StoreParts, request: FillRequest): Promise<void> {
  const { digest } = request;
  const known = parts.ledger.state.blobs.get(digest)?.entries ?? [];
  const sameName = (one: ViewEntry, other: ViewEntry) =>
    one.model === other.model && one.version === other.version && one.file === other.file;
  const added = request.entries.filter((entry) => !known.some((one) => sameName(one, entry)));
  if (added.length > 0) await parts.ledger.commit([{ is: 'named', digest, entries: [...known, ...added] }]);
  await parts.view.refresh();
}

function diskFailure(error: unknown): Extract<Ending, { end: 'failed' }> {
  if (!(error instanceof DiskError)) throw error;
  return { end: 'failed', code: error.code === 'no-space' ? 'no-room' : 'disk-error', message: errorText(error) };
}
