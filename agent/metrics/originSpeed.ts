/** What a fetch takes: `firstByteMs`, and from then on its bytes at this rate. */
export interface OriginSpeed {
  readonly bytesPerSecond: number;
  readonly firstByteMs: number;
}

/** Each that comes leaves so much of the weight of those before: about the last twenty count. */
const KEPT = 0.95;
/** One alone may have been slow, or fast, by chance. */
const FEWEST_FETCHES = 3;

/** The speed of the origin as fetches of late have measured it: their bytes over their time, so that large ones count for more. */
export function createOriginSpeed() {
  const first = { weight: 0, ms: 0 };
  const rest = { bytes: 0, ms: 0 };
  let fetches = 0;
  const firstByteMs = () => (first.weight === 0 ? 0 : first.ms / first.weight);

  return {
    firstByte(ms: number): void {
      first.weight = first.weight * KEPT + 1;
      first.ms = first.ms * KEPT + ms;
    },
    fetched(bytes: number, ms: number): void {
      fetches += 1;
      rest.bytes = rest.bytes * KEPT + bytes;
      rest.ms = rest.ms * KEPT + Math.max(0, ms - firstByteMs());
    },
    /** Undefined as long as too little was fetched. */
    measured(): OriginSpeed | undefined {
      if (fetches < FEWEST_FETCHES || rest.ms <= 0 || rest.bytes <= 0) return undefined;
      return { bytesPerSecond: (rest.bytes / rest.ms) * 1000, firstByteMs: firstByteMs() };
    },
  };
}
