import { errorText } from '../../shared/errors.ts';
import { type Disk, DiskError } from '../../shared/ports/disk.ts';
import type { RunningTransfer, Transfer, TransferJob, TransferOutcome } from '../../shared/ports/transfer.ts';
import type { Failure } from './failures.ts';
import type { PartEnd, PartMover, RunningPart } from './partMover.ts';

type Failed = Extract<TransferOutcome, { outcome: 'failed' }>;
type Ended = Failed | Extract<TransferOutcome, { outcome: 'cancelled' }>;

/** Parts that one job keeps with the mover at once, which then has enough to choose from. */
const PARTS_IN_HAND = 64;

/**
 * A `Transfer` over something that moves parts: each part is checked against the manifest, synced, and only then reported.
 * Where the manifest has CRC-32C, ten times as cheap and enough against accidents on the way, that is checked. The digest does
 * not cover it, so it never has the last word against bytes: a part that does not fit is read once more, for its SHA-256.
 */
export function createPartsTransfer({ mover, disk }: { readonly mover: PartMover; readonly disk: Disk }): Transfer {
  function start(job: TransferJob, onPart: (part: number) => Promise<void>): RunningTransfer {
    const { size, partSize, parts, crc32c: checksums } = job.manifest;
    const lengthOf = (part: number) => Math.min(partSize, size - part * partSize);
    const missing = parts.map((_, part) => part).filter((part) => !job.done.has(part));
    const moving = new Set<RunningPart>();
    let bytesRead = 0;
    let bytesDone = [...job.done].reduce((sum, part) => sum + lengthOf(part), 0);
    let ended: Ended | undefined;

    /** The first to end the transfer says how; whatever is on its way is stopped. */
    function end(how: Ended): void {
      ended ??= how;
      for (const part of moving) part.cancel();
    }

    async function movePart(part: number, sha256: boolean): Promise<PartEnd> {
      const range = { offset: part * partSize, length: lengthOf(part) };
      const running = mover.move(job, range, size - bytesDone, sha256);
      moving.add(running);
      const moved = await running.end;
      moving.delete(running);
      bytesRead += running.bytesSoFar();
      return moved;
    }

    function fits(part: number, { sha256, crc32c }: Extract<PartEnd, { outcome: 'moved' }>): boolean {
      if (sha256 !== undefined) return sha256 === parts[part];
      return crc32c !== undefined && crc32c === checksums?.[part];
    }

    async function fillPart(part: number): Promise<void> {
      for (let reads = 1; ended === undefined; reads += 1) {
        const moved = await movePart(part, checksums === undefined || reads > 1);
        if (ended !== undefined) return;
        if (moved.outcome === 'failed') return end(outcomeOf(moved.failure, moved.retryable));
        if (fits(part, moved)) break;
        if (reads > 1) return end(failed('wrong-bytes', `Part ${part} of ${job.source.key} has wrong bytes.`, false));
      }
      if (ended !== undefined) return;
      bytesDone += lengthOf(part);
      await disk.sync(job.path);
      await onPart(part);
    }

    async function fillParts(): Promise<void> {
      for (let part = missing.shift(); part !== undefined && ended === undefined; part = missing.shift()) {
        try {
          await fillPart(part);
        } catch (error) {
          end(diskFailure(error));
        }
      }
    }

    async function run(): Promise<TransferOutcome> {
      await Promise.all(Array.from({ length: Math.min(PARTS_IN_HAND, missing.length) }, fillParts));
      return ended ?? { outcome: 'done', bytesRead };
    }

    return {
      progress() {
        const onTheWay = [...moving].reduce((sum, part) => sum + part.bytesSoFar(), 0);
        return { bytesDone: bytesDone + onTheWay, totalBytes: size };
      },
      outcome: run(),
      cancel: () => end({ outcome: 'cancelled' }),
    };
  }

  return { start };
}

function failed(code: Failed['code'], message: string, retryable: boolean): Failed {
  return { outcome: 'failed', code, message, retryable };
}

function diskFailure(error: unknown): Failed {
  const full = error instanceof DiskError && error.code === 'no-space';
  return failed(full ? 'no-space' : 'disk-error', errorText(error), false);
}

function outcomeOf({ kind, message }: Failure, retryable: boolean): Ended {
  switch (kind) {
    case 'cancelled':
      return { outcome: 'cancelled' };
    case 'no-space':
    case 'disk-error':
      return failed(kind, message, false);
    case 'absent':
      return failed('origin-absent', message, false);
    case 'archived':
      return failed('origin-archived', message, false);
    case 'unauthorized':
      return failed('denied', message, false);
    // The pinned version has other bytes than its manifest says.
    case 'changed':
    case 'beyond-end':
    case 'too-large':
    case 'wrong-range':
    case 'too-long':
      return failed('wrong-bytes', message, false);
    case 'connect':
    case 'broken-off':
    case 'stalled':
    case 'slow':
    case 'server-error':
    case 'slow-down':
    case 'no-ranges':
    case 'no-length':
    case 'malformed':
    case 'encoded':
    case 'redirects':
    case 'tls':
    case 'refused':
      return failed('origin-unavailable', message, retryable);
  }
}
