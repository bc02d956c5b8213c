/** The number of connections over time: grows while that brings more, shrinks when a server asks for less. */
export interface SocketCount {
  readonly sockets: number;
  /** What was there before the last growth, and what it brought. */
  readonly before: { readonly sockets: number; readonly bytesPerSecond: number } | undefined;
  /** Samples until the next growth is tried. */
  readonly rest: number;
}

export interface SocketBounds {
  readonly first: number;
  readonly most: number;
}

export interface RateSample {
  readonly bytesPerSecond: number;
  /** Whether all connections had work. */
  readonly busy: boolean;
  /** Whether a server asked for fewer requests. */
  readonly slowDown: boolean;
}

const GROWTH = 1.5;
/** Less is noise. */
const WORTH_IT = 1.08;
const REST_AFTER_LOSS = 20;
const REST_AFTER_SLOW_DOWN = 10;

export function firstSockets({ first, most }: SocketBounds): SocketCount {
  return { sockets: Math.min(first, most), before: undefined, rest: 1 };
}

/** One step a sample, at once down to a bound that has become lower. Additional connections stay only where they brought at least 8 % more. */
export function adaptSockets(count: SocketCount, sample: RateSample, { most }: SocketBounds): SocketCount {
  if (count.sockets > most) return { sockets: most, before: undefined, rest: REST_AFTER_LOSS };
  const { sockets, before, rest } = count;
  if (sample.slowDown) {
    return { sockets: Math.max(1, Math.floor(sockets / 2)), before: undefined, rest: REST_AFTER_SLOW_DOWN };
  }
  if (!sample.busy) return count;
  if (rest > 0) return { ...count, rest: rest - 1 };
  if (before !== undefined && sample.bytesPerSecond < before.bytesPerSecond * WORTH_IT) {
    return { sockets: before.sockets, before: undefined, rest: REST_AFTER_LOSS };
  }
  const grown = Math.min(most, Math.ceil(sockets * GROWTH));
  if (grown === sockets) return { sockets, before: undefined, rest: REST_AFTER_LOSS };
  return { sockets: grown, before: { sockets, bytesPerSecond: sample.bytesPerSecond }, rest: 1 };
}
