import { DAY_MS } from '../shared/units.ts';

/**
 * A forecast of reads as a distribution: reads arrive at random with a rate that is itself uncertain. Each component is a gamma
 * distribution of the rate with `shape` pseudo-reads in `exposureMs` of pseudo-observation (gamma–Poisson); several components mix
 * regimes, such as "in use" and "abandoned". The time to the next read is then a mixture of Lomax distributions, and every
 * expectation below has a closed form.
 */
export interface DemandForecast {
  readonly components: readonly DemandComponent[];
  /** The next read comes then and not before, counted from the decision; `components` tell nothing of it. */
  readonly nextReadMs?: number;
}

export interface DemandComponent {
  /** Weights of a forecast add up to 1. */
  readonly weight: number;
  readonly shape: number;
  readonly exposureMs: number;
}

/** A forecast from a known rate: the gamma is narrow, so that arrivals are close to plain Poisson. */
export function knownRate(readsPerDay: number): DemandForecast {
  const shape = 1_000;
  return { components: [{ weight: 1, shape, exposureMs: (shape / Math.max(readsPerDay, 1e-9)) * DAY_MS }] };
}

/** A forecast from a known date of the next read. */
export function knownDate(nextReadMs: number): DemandForecast {
  return { components: [], nextReadMs };
}

/** The probability that no read comes within `ms`. */
export function probabilityOfNoRead(forecast: DemandForecast, ms: number): number {
  if (forecast.nextReadMs !== undefined) return ms < forecast.nextReadMs ? 1 : 0;
  let sum = 0;
  for (const { weight, shape, exposureMs } of forecast.components) {
    sum += weight * (exposureMs / (exposureMs + ms)) ** shape;
  }
  return sum;
}

/** E[min(X, ms)] in milliseconds, X being the time to the next read: for how long an object rests within the horizon. */
export function expectedRestMs(forecast: DemandForecast, ms: number): number {
  if (forecast.nextReadMs !== undefined) return Math.min(forecast.nextReadMs, ms);
  let sum = 0;
  for (const { weight, shape, exposureMs } of forecast.components) {
    sum += weight * lomaxRest(shape, exposureMs, ms);
  }
  return sum;
}

/** ∫₀ᵗ (b / (b + x))ᵃ dx */
function lomaxRest(shape: number, exposure: number, t: number): number {
  if (Math.abs(shape - 1) < 1e-9) return exposure * Math.log1p(t / exposure);
  return (exposure / (shape - 1)) * (1 - (exposure / (exposure + t)) ** (shape - 1));
}

/** The expected number of reads within `ms`; where the date of the next one is known, of no others. */
export function expectedReads(forecast: DemandForecast, ms: number): number {
  if (forecast.nextReadMs !== undefined) return 1 - probabilityOfNoRead(forecast, ms);
  let sum = 0;
  for (const { weight, shape, exposureMs } of forecast.components) sum += (weight * shape * ms) / exposureMs;
  return sum;
}

/** What is believed before anything was seen, and how fast the past is forgotten. */
export interface DemandPrior {
  readonly shape: number;
  readonly exposureMs: number;
  /** Past reads and the time that they cover lose half of their weight in this time. */
  readonly halfLifeMs: number;
}

/** Past reads and the time that they cover, both decayed to one moment. */
export interface DemandMemory {
  readonly reads: number;
  readonly exposureMs: number;
}

export const NO_MEMORY: DemandMemory = { reads: 0, exposureMs: 0 };

/** Ages a memory by `ms` at the end of which `reads` reads came. */
export function remember(memory: DemandMemory, ms: number, reads: number, prior: DemandPrior): DemandMemory {
  const decay = 0.5 ** (ms / prior.halfLifeMs);
  // The exposure of the time itself decays too: ∫ 0.5^(x / halfLife) dx.
  const covered = (prior.halfLifeMs / Math.LN2) * (1 - decay);
  return { reads: memory.reads * decay + reads, exposureMs: memory.exposureMs * decay + covered };
}

/** The memory of an object by the moments of its reads, in their order: what reading it all along would have left. */
export function rememberReads(
  createdAt: number,
  reads: readonly { readonly at: number; readonly reads: number }[],
  now: number,
  prior: DemandPrior,
): DemandMemory {
  let memory = NO_MEMORY;
  let until = createdAt;
  for (const { at, reads: count } of reads) {
    memory = remember(memory, Math.max(0, at - until), count, prior);
    until = Math.max(until, at);
  }
  return remember(memory, Math.max(0, now - until), 0, prior);
}

/** The forecast that a memory supports. */
export function forecastFrom(memory: DemandMemory, prior: DemandPrior): DemandForecast {
  return {
    components: [{ weight: 1, shape: prior.shape + memory.reads, exposureMs: prior.exposureMs + memory.exposureMs }],
  };
}
