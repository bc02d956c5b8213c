import {
  type HostReading,
  type HostReadings,
  type HostSample,
  meanLoad,
  sampleBetween,
} from '../../lib/hostMetrics/index.ts';

/** The load of the host every five seconds, for the last ten minutes. */
export interface Sampler {
  /** Reads the counters once. Does nothing where there is nothing to read from. */
  step(): Promise<void>;
  /** Oldest first. */
  samples(): readonly HostSample[];
  /** Averaged over the newest samples that make up `seconds`. */
  load(seconds: number): ReturnType<typeof meanLoad>;
}

const MOST_SAMPLES = 120;

export function createSampler(readings: HostReadings | undefined): Sampler {
  const samples: HostSample[] = [];
  let last: HostReading | undefined;
  return {
    async step() {
      const reading = await readings?.read();
      const sample = last && reading && sampleBetween(last, reading);
      last = reading;
      if (sample !== undefined) samples.push(sample);
      if (samples.length > MOST_SAMPLES) samples.shift();
    },
    samples: () => samples,
    load(seconds) {
      let left = seconds;
      let from = samples.length;
      while (from > 0 && left > 0) {
        from -= 1;
        left -= samples[from]?.seconds ?? 0;
      }
      return meanLoad(samples.slice(from));
    },
  };
}
