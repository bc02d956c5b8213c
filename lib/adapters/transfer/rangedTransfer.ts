import { createHash } from 'node:crypto';
import { errorText, PortError } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import { type Disk, DiskError } from '../../shared/ports/disk.ts';
import type { ObjectReader } from '../../shared/ports/objectStore.ts';
import type { Random } from '../../shared/ports/random.ts';
import type { RunningTransfer, Transfer, TransferJob, TransferOutcome } from '../../shared/ports/transfer.ts';
import { MIB } from '../../shared/units.ts';
import { createBandwidth } from './bandwidth.ts';
import { createReadSlots } from './readSlots.ts';

export interface RangedTransferDeps {
  readonly objects: ObjectReader;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
}

export interface RangedTransferConfig {
  /** Of all transfers together; `Infinity` for none. */
  readonly bytesPerSecond: number;
  /** Parts in flight over all transfers. A part is read in ranges one after another, as its hash needs them. */
  readonly parallelParts: number;
  readonly rangeBytes: number;
  /** Tries per range before the transfer fails as retryable. */
  readonly attempts: number;
}

export const RANGED_TRANSFER_DEFAULTS: RangedTransferConfig = {
  bytesPerSecond: Number.POSITIVE_INFINITY,
  parallelParts: 8,
  rangeBytes: 4 * MIB,
  attempts: 4,
};

type Failure = Extract<TransferOutcome, { outcome: 'failed' }>;

/** Ends a transfer with its outcome; never leaves this file. */
class TransferFailure extends Error {
  readonly failure: Failure;
  constructor(code: Failure['code'], message: string, retryable: boolean, cause?: unknown) {
    super(message, { cause });
    this.failure = { outcome: 'failed', code, message, retryable };
  }
}

class TransferCancelled extends Error {}

/**
 * A `Transfer` over the ports: each part is read from the origin in ranges, hashed and written as it comes, and reported
 * once its hash fits and its bytes are synced. A part with wrong bytes is read once more before the transfer fails.
 */
export function createRangedTransfer(
  deps: RangedTransferDeps,
  overrides: Partial<RangedTransferConfig> = {},
): Transfer {
  const config = { ...RANGED_TRANSFER_DEFAULTS, ...overrides };
  const slots = createReadSlots(config.parallelParts);
  const bandwidth = createBandwidth(deps.clock, config.bytesPerSecond);

  async function readRange(job: TransferJob, offset: number, length: number): Promise<Uint8Array> {
    const { key, versionId } = job.source;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const read = await deps.objects.readRange(key, versionId, offset, length);
        if (read.outcome === 'read' && read.bytes.length === length) return read.bytes;
        if (read.outcome === 'absent') throw new TransferFailure('origin-absent', `There is no ${key}.`, false);
        if (read.outcome === 'archived') throw new TransferFailure('origin-archived', `${key} is archived.`, false);
        throw new PortError({ code: 'unavailable', message: `${key} answered a short range.`, retryable: true });
      } catch (error) {
        if (!(error instanceof PortError)) throw error;
        if (!error.retryable || attempt >= config.attempts) throw originFailure(error);
        const pause = 200 * 2 ** (attempt - 1);
        await deps.clock.sleep(pause / 2 + (pause / 2) * deps.random.number());
      }
    }
  }

  function start(job: TransferJob, onPart: (part: number) => Promise<void>): RunningTransfer {
    const { size, partSize, parts } = job.manifest;
    const lengthOf = (part: number) => Math.min(partSize, size - part * partSize);
    const missing = parts.map((_, part) => part).filter((part) => !job.done.has(part));
    let bytesRead = 0;
    let bytesDone = [...job.done].reduce((sum, part) => sum + lengthOf(part), 0);
    let ended = false;

    async function copyPart(part: number): Promise<boolean> {
      const hash = createHash('sha256');
      const end = part * partSize + lengthOf(part);
      for (let offset = part * partSize; offset < end; ) {
        const length = Math.min(config.rangeBytes, end - offset);
        if (ended) throw new TransferCancelled();
        await bandwidth.take(length);
        if (ended) throw new TransferCancelled();
        const bytes = await readRange(job, offset, length);
        if (ended) throw new TransferCancelled();
        hash.update(bytes);
        await deps.disk.write(job.path, offset, bytes);
        bytesRead += length;
        bytesDone += length;
        offset += length;
      }
      return hash.digest('hex') === parts[part];
    }

    async function fillPart(part: number): Promise<void> {
      if (ended) throw new TransferCancelled();
      const fits = (await copyPart(part)) || (await retryPart(part));
      if (!fits) throw new TransferFailure('wrong-bytes', `Part ${part} of ${job.source.key} has wrong bytes.`, false);
      await deps.disk.sync(job.path);
      await onPart(part);
    }

    function retryPart(part: number): Promise<boolean> {
      bytesDone -= lengthOf(part);
      return copyPart(part);
    }

    async function run(): Promise<TransferOutcome> {
      // A cancelled or failed transfer is over only when nothing of it writes to the file any more.
      const settled = await Promise.allSettled(
        missing.map((part) =>
          slots
            .use(job.priority, () => fillPart(part))
            .catch((error: unknown) => {
              ended = true;
              throw error;
            }),
        ),
      );
      const reasons = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      const cause = reasons.find((reason) => !(reason instanceof TransferCancelled)) ?? reasons[0];
      if (cause === undefined) return { outcome: 'done', bytesRead };
      return cause instanceof TransferCancelled ? { outcome: 'cancelled' } : failureOf(cause);
    }

    return {
      progress: () => ({ bytesDone, totalBytes: size }),
      outcome: run(),
      cancel() {
        ended = true;
      },
    };
  }

  return { start };
}

function originFailure(error: PortError): TransferFailure {
  const code = error.code === 'access-denied' ? 'denied' : 'origin-unavailable';
  return new TransferFailure(code, errorText(error), error.retryable, error);
}

function failureOf(error: unknown): Failure {
  if (error instanceof TransferFailure) return error.failure;
  if (error instanceof DiskError) {
    const code = error.code === 'no-space' ? 'no-space' : 'disk-error';
    return { outcome: 'failed', code, message: errorText(error), retryable: false };
  }
  return { outcome: 'failed', code: 'disk-error', message: errorText(error), retryable: false };
}
