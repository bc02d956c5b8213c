import { combineCrc32c, crc32cHex } from '../../shared/crc32c/index.ts';
import type { TransferJob } from '../../shared/ports/transfer.ts';
import { type ByteRange, cutRanges } from './cutRanges.ts';
import type { RangeRequest, RangeSource, RunningRange, TransferEngine } from './engine.ts';
import type { PartMover, RunningPart } from './partMover.ts';
import type { RangeEnd } from './worker/protocol.ts';

export interface EnginePartsDeps {
  readonly engine: TransferEngine;
  /** How a blob of the origin is asked for. Asked once per job. */
  readonly sourceOf: (source: TransferJob['source'], size: number) => RangeSource;
  /** The absolute path of a path on the store's disk. */
  readonly pathOf: (path: string) => string;
}

/** Moves parts by the transfer engine. Where SHA-256 is asked for a part is one range, since it does not combine. */
export function createEngineParts({ engine, sourceOf, pathOf }: EnginePartsDeps): PartMover {
  const sources = new WeakMap<TransferJob, RangeSource>();

  function sourceFor(job: TransferJob): RangeSource {
    const source = sources.get(job) ?? sourceOf(job.source, job.manifest.size);
    sources.set(job, source);
    return source;
  }

  return {
    move(job, part, left, sha256): RunningPart {
      const ranges = sha256 ? [part] : cutRanges(part, left, engine.sockets());
      const request = {
        source: sourceFor(job),
        path: pathOf(job.path),
        sha256,
        get priority() {
          return job.priority;
        },
      };
      const { end, bytesSoFar, cancel } = readRanges(engine, ranges, request);
      return { end, bytesSoFar, cancel };
    },
  };
}

export type RangesEnd =
  | { readonly outcome: 'moved'; readonly crc32c: string; readonly sha256?: string }
  | Extract<RangeEnd, { outcome: 'failed' }>;

export interface RunningRanges {
  readonly end: Promise<RangesEnd>;
  readonly bytesSoFar: () => number;
  readonly cancel: () => void;
}

/** Reads ranges that lie one behind the other; their checksum is that of all. SHA-256 only where it is one range. */
export function readRanges(
  engine: TransferEngine,
  ranges: readonly ByteRange[],
  request: Pick<RangeRequest, 'source' | 'path' | 'sha256' | 'priority'>,
): RunningRanges {
  const { source, path, sha256 } = request;
  const running = ranges.map(({ offset, length }) =>
    engine.read({
      source,
      path,
      offset,
      bytes: { exactly: length },
      sha256,
      get priority() {
        return request.priority;
      },
    }),
  );
  const cancel = () => {
    for (const range of running) range.cancel();
  };
  return {
    end: endOf(ranges, running, cancel),
    bytesSoFar: () => running.reduce((sum, range) => sum + range.bytesSoFar(), 0),
    cancel,
  };
}

async function endOf(
  ranges: readonly ByteRange[],
  running: readonly RunningRange[],
  cancel: () => void,
): Promise<RangesEnd> {
  let first: Extract<RangeEnd, { outcome: 'failed' }> | undefined;
  const ends = await Promise.all(
    running.map(async ({ end }) => {
      const ended = await end;
      if (ended.outcome === 'failed') {
        first ??= ended;
        cancel();
      }
      return ended;
    }),
  );
  if (first !== undefined) return first;
  let crc32c = 0;
  let sha256: string | undefined;
  for (const [index, ended] of ends.entries()) {
    if (ended.outcome !== 'read') continue;
    crc32c = combineCrc32c(crc32c, ended.crc32c, ranges[index]?.length ?? 0);
    sha256 = ended.sha256;
  }
  return { outcome: 'moved', crc32c: crc32cHex(crc32c), ...(sha256 === undefined ? {} : { sha256 }) };
}
