import { MIB, SECOND_MS } from '../shared/units.ts';
import { GEOMETRY, pack } from './pack.ts';
import { unpack } from './unpack.ts';

export interface CodecSpeed {
  readonly packBytesPerSecond: number;
  readonly unpackBytesPerSecond: number;
}

/** How fast this thread packs and unpacks the middle MiB of a file, by `nowMs`. Throws what `read` throws. */
export async function measureSpeed(
  size: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
  nowMs: () => number,
): Promise<CodecSpeed> {
  const length = Math.min(size, MIB);
  const bytes = await read(Math.floor((size - length) / 2), length);
  const packed: Uint8Array[] = [];
  const keep = async (piece: Uint8Array): Promise<void> => {
    packed.push(Uint8Array.from(piece));
  };
  // The first round warms the code up.
  for (let round = 0; round < 2; round += 1) await pack(once([bytes]), keep, GEOMETRY);
  const half = packed.slice(packed.length / 2);
  const started = nowMs();
  await pack(once([bytes]), keep, GEOMETRY);
  const between = nowMs();
  await unpack(once(half), async () => {});
  const ended = nowMs();
  return {
    packBytesPerSecond: perSecond(length, between - started),
    unpackBytesPerSecond: perSecond(length, ended - between),
  };
}

async function* once(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

/** A clock that did not move says that it was faster than it can tell. */
function perSecond(bytes: number, ms: number): number {
  return (Math.max(1, bytes) * SECOND_MS) / Math.max(0.001, ms);
}
