import { MIB } from '../../lib/shared/units.ts';

/** What a fetch takes: `firstByteMs`, and from then on its bytes at this rate. */
export interface OriginSpeed {
  readonly bytesPerSecond: number;
  readonly firstByteMs: number;
}

interface Sample {
  readonly bytes: number;
  readonly bytesPerSecond: number;
}

/** Each that comes leaves so much of the weight of those before: about the last twenty count. */
const KEPT = 0.95;
/** A sample ends when it has so many bytes and has lasted so long: parts come in bursts, which tell nothing of the line alone. */
const SAMPLE_BYTES = 64 * MIB;
const SAMPLE_MS = 1000;
const MOST_SAMPLES = 20;
/** One alone may have been slow, or fast, by chance. */
const FEWEST_SAMPLES = 3;

/**
 * The speed of the line to the origin, whatever number of fetches share it: the bytes of all over the time for which at least one ran.
 * A fetch is suspended only while another one runs, so that time is the other's. A sample goes on in the next fetch until it is
 * full, so that small fetches push none out. Of the last samples the median by bytes holds: a line that stood still for half an
 * hour is one slow sample. The times that callers give are of one steady clock, in milliseconds.
 */
export function createOriginSpeed() {
  const first = { weight: 0, ms: 0 };
  const samples: Sample[] = [];
  let running = 0;
  let sample = { bytes: 0, ms: 0 };
  /** Up to here the time of the line is in the sample. */
  let counted = 0;
  const firstByteMs = () => (first.weight === 0 ? 0 : first.ms / first.weight);

  return {
    firstByte(ms: number): void {
      first.weight = first.weight * KEPT + 1;
      first.ms = first.ms * KEPT + ms;
    },
    began(now: number): void {
      // Where others run already, their bytes come while this one waits for its first.
      if (running === 0) counted = now + firstByteMs();
      running += 1;
    },
    received(bytes: number, now: number): void {
      sample = { bytes: sample.bytes + bytes, ms: sample.ms + Math.max(0, now - counted) };
      counted = Math.max(counted, now);
      if (sample.bytes < SAMPLE_BYTES || sample.ms < SAMPLE_MS) return;
      samples.push({ bytes: sample.bytes, bytesPerSecond: (sample.bytes / sample.ms) * 1000 });
      if (samples.length > MOST_SAMPLES) samples.shift();
      sample = { bytes: 0, ms: 0 };
    },
    ended(): void {
      running -= 1;
    },
    /** Undefined as long as too little was fetched. */
    measured(): OriginSpeed | undefined {
      if (samples.length < FEWEST_SAMPLES) return undefined;
      return { bytesPerSecond: medianByBytes(samples), firstByteMs: firstByteMs() };
    },
  };
}

function medianByBytes(samples: readonly Sample[]): number {
  let left = samples.reduce((sum, { bytes }) => sum + bytes, 0) / 2;
  const slowestFirst = samples.toSorted((one, other) => one.bytesPerSecond - other.bytesPerSecond);
  for (const { bytes, bytesPerSecond } of slowestFirst) {
    left -= bytes;
    if (left <= 0) return bytesPerSecond;
  }
  return 0;
}
