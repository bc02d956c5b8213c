import { createHash } from 'node:crypto';
import { crc32cHex } from '../../shared/crc32c/index.ts';
import { crc32cOf } from '../../shared/crc32c/ofBytes.ts';
import { errorText, PortError } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import { type Disk, DiskError } from '../../shared/ports/disk.ts';
import type { ObjectReader } from '../../shared/ports/objectStore.ts';
import type { Random } from '../../shared/ports/random.ts';
import type { Transfer, TransferJob } from '../../shared/ports/transfer.ts';
import { MIB } from '../../shared/units.ts';
import type { ByteRange } from './cutRanges.ts';
import { decideRetry, NO_RETRIES, RETRY_LIMITS } from './decideRetry.ts';
import type { Failure } from './failures.ts';
import type { PartEnd, PartMover } from './partMover.ts';
import { createPartsTransfer } from './partsTransfer.ts';
import { createReadSlots } from './readSlots.ts';

export interface PortTransferDeps {
  readonly objects: ObjectReader;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
}

export interface PortTransferConfig {
  /** Parts in flight over all transfers. A part is read in ranges one after another, as its hash needs them. */
  readonly parallelParts: number;
  readonly rangeBytes: number;
}

const DEFAULTS: PortTransferConfig = { parallelParts: 8, rangeBytes: 4 * MIB };

/** Ends a part with its failure; never leaves this file. */
class PartFailure extends Error {
  readonly failure: Failure;
  readonly retryable: boolean;
  constructor(failure: Failure, retryable: boolean) {
    super(failure.message);
    this.failure = failure;
    this.retryable = retryable;
  }
}

/** A `Transfer` over the ports alone: for stores, disks and clocks that are simulated. */
export function createPortTransfer(deps: PortTransferDeps, config: Partial<PortTransferConfig> = {}): Transfer {
  return createPartsTransfer({ mover: createPortParts(deps, config), disk: deps.disk });
}

function createPortParts(deps: PortTransferDeps, overrides: Partial<PortTransferConfig>): PartMover {
  const config = { ...DEFAULTS, ...overrides };
  const slots = createReadSlots(config.parallelParts);

  async function readRange({ source }: TransferJob, offset: number, length: number): Promise<Uint8Array> {
    for (let counts = NO_RETRIES; ; ) {
      const read = await readOnce(source, offset, length);
      if (!('kind' in read)) return read;
      const decision = decideRetry(read, counts, 0, deps.random.number(), { ...RETRY_LIMITS, renewals: 0 });
      if (decision.is === 'give-up') throw new PartFailure(read, decision.retryable);
      counts = decision.counts;
      if (decision.is === 'again') await deps.clock.sleep(decision.afterMs);
    }
  }

  async function readOnce(
    { key, versionId }: TransferJob['source'],
    offset: number,
    length: number,
  ): Promise<Uint8Array | Failure> {
    try {
      const read = await deps.objects.readRange(key, versionId, offset, length);
      if (read.outcome === 'absent') return { kind: 'absent', message: `There is no ${key}.` };
      if (read.outcome === 'archived') return { kind: 'archived', message: `${key} is archived.` };
      if (read.bytes.length === length) return read.bytes;
      return { kind: 'broken-off', message: `${key} answered a short range.` };
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      return { kind: failureKind(error), message: errorText(error) };
    }
  }

  return {
    move(job, { offset, length }: ByteRange, _left, sha256) {
      let cancelled = false;
      let bytes = 0;

      async function copy(): Promise<PartEnd> {
        const hash = createHash('sha256');
        let crc32c = 0;
        for (; bytes < length; ) {
          if (cancelled) return ended({ kind: 'cancelled', message: 'Cancelled.' }, false);
          const wanted = Math.min(config.rangeBytes, length - bytes);
          const read = await readRange(job, offset + bytes, wanted);
          if (cancelled) return ended({ kind: 'cancelled', message: 'Cancelled.' }, false);
          if (sha256) hash.update(read);
          else crc32c = crc32cOf(read, crc32c);
          await deps.disk.write(job.path, offset + bytes, read);
          bytes += wanted;
        }
        return { outcome: 'moved', ...(sha256 ? { sha256: hash.digest('hex') } : { crc32c: crc32cHex(crc32c) }) };
      }

      const end = slots
        .use(() => job.priority, copy)
        .catch((error: unknown): PartEnd => {
          if (error instanceof PartFailure) return ended(error.failure, error.retryable);
          const full = error instanceof DiskError && error.code === 'no-space';
          return ended({ kind: full ? 'no-space' : 'disk-error', message: errorText(error) }, false);
        });
      return {
        end,
        bytesSoFar: () => bytes,
        cancel() {
          cancelled = true;
        },
      };
    },
  };
}

function failureKind(error: PortError): Failure['kind'] {
  if (error.code === 'access-denied') return 'unauthorized';
  return error.retryable ? 'server-error' : 'refused';
}

function ended(failure: Failure, retryable: boolean): PartEnd {
  return { outcome: 'failed', failure, retryable };
}
