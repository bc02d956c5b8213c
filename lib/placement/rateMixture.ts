import { DAY_MS, SECOND_MS } from '../shared/units.ts';
import type { DemandComponent, DemandForecast } from './demand.ts';

/** Mean gaps from 5 seconds to about 100 days, a factor of 3 apart. */
const GAPS_MS = Array.from({ length: 14 }, (_, power) => 5 * SECOND_MS * 3 ** power);
/** What stands for "never": far beyond any horizon. */
const NEVER_MS = 100_000 * DAY_MS;
/** Components this narrow are exponential for every purpose here. */
const SHAPE = 200;
/** The part of an object's belief that goes back to its group's at each use: rates change with every session. */
const SWITCH = 0.5;

/** What is believed of one object's rate of use; weights of `GAPS_MS`. */
interface Belief {
  weights: Float64Array;
  lastAt: number;
  group: Group;
}

/** What objects of one kind and history have in common. */
interface Group {
  /** Uses after which a gap began, and the summed weights of the gaps that ended. */
  begun: number;
  readonly ended: Float64Array;
}

/**
 * Learns the distribution of the time to the next use, online and from the past only: a Bayesian filter over a fixed set of rates for
 * each object, whose prior is what the objects of its group (kind, and whether it was ever used again) did so far, and the part of
 * gaps of that group that never ended.
 */
export class RateMixture {
  private readonly beliefs = new Map<string, Belief>();
  private readonly groups = new Map<string, Group>();

  /** Takes a use of an object into account. `kind` is what objects have in common; times must not decrease. */
  use(object: string, kind: string, at: number): void {
    const known = this.beliefs.get(object);
    if (known === undefined) {
      const group = this.group(`${kind} first`);
      group.begun += 1;
      this.beliefs.set(object, { weights: prior(group), lastAt: at, group });
      return;
    }
    const gapMs = Math.max(SECOND_MS, at - known.lastAt);
    const base = prior(known.group);
    const posterior = known.weights.map((weight, index) => {
      const meanMs = GAPS_MS[index] ?? NEVER_MS;
      return ((1 - SWITCH) * weight + SWITCH * (base[index] ?? 0)) * (Math.exp(-gapMs / meanMs) / meanMs);
    });
    normalise(posterior, base);
    posterior.forEach((weight, index) => {
      known.group.ended[index] = (known.group.ended[index] ?? 0) + weight;
    });
    const group = this.group(`${kind} again`);
    group.begun += 1;
    this.beliefs.set(object, { weights: posterior, lastAt: at, group });
  }

  /** The forecast for an object that was used just now. */
  forecast(object: string): DemandForecast {
    const belief = this.beliefs.get(object);
    const weights = belief?.weights ?? prior(undefined);
    const never = belief === undefined ? 0.5 : neverPart(belief.group);
    const base = belief === undefined ? weights : prior(belief.group);
    const components: DemandComponent[] = [{ weight: never, shape: SHAPE, exposureMs: SHAPE * NEVER_MS }];
    weights.forEach((weight, index) => {
      const mixed = (1 - never) * ((1 - SWITCH) * weight + SWITCH * (base[index] ?? 0));
      // What is next to impossible costs time and changes nothing.
      if (mixed > 1e-5)
        components.push({ weight: mixed, shape: SHAPE, exposureMs: SHAPE * (GAPS_MS[index] ?? NEVER_MS) });
    });
    return { components };
  }

  private group(name: string): Group {
    let group = this.groups.get(name);
    if (group === undefined) {
      group = { begun: 0, ended: new Float64Array(GAPS_MS.length) };
      this.groups.set(name, group);
    }
    return group;
  }
}

/** The group's weights, beginning as if each rate had been seen half a time. */
function prior(group: Group | undefined): Float64Array {
  const weights = Float64Array.from(GAPS_MS, (_, index) => 0.5 + (group?.ended[index] ?? 0));
  normalise(weights, weights);
  return weights;
}

/** The part of a group's gaps that have not ended, with half a gap of doubt either way. */
function neverPart(group: Group): number {
  const ended = group.ended.reduce((sum, weight) => sum + weight, 0);
  return Math.min(0.95, Math.max(0, group.begun - ended + 0.5) / (group.begun + 1));
}

function normalise(weights: Float64Array, instead: Float64Array): void {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  for (let index = 0; index < weights.length; index += 1) {
    weights[index] = sum > 0 ? (weights[index] ?? 0) / sum : (instead[index] ?? 0);
  }
}
