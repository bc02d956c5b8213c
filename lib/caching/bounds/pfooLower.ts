import { type MissWait, missCost, OBJECTIVES, type Objective, waitSeconds } from '../laboratory/objective.ts';
import type { PolicyResult } from '../laboratory/simulation.ts';
import type { WholeTrace } from '../laboratory/survey.ts';

/**
 * A lower bound on the miss cost of every policy, online or offline: PFOO-L (Berger, Beckmann, Harchol-Balter, 2018),
 * generalised from hits to any cost per miss.
 *
 * An access hits only if its object stayed from the access before: for the interval between two accesses of an object with
 * b bytes that are t accesses apart, that takes b·t byte-steps of the cache, and it saves the cost c of a miss. A cache of C
 * bytes has C byte-steps at each of the n accesses, so the saved cost of any policy is at most
 *
 *     max Σ cᵢxᵢ  subject to  Σ bᵢtᵢxᵢ ≤ C·n,  0 ≤ xᵢ ≤ 1,  xᵢ = 0 where bᵢ > C,
 *
 * the relaxation that asks for the capacity only on average over time and allows fractions of an interval. It is a
 * fractional knapsack: take the intervals in the order of cᵢ/(bᵢtᵢ) until the byte-steps are spent. First accesses always
 * miss. With c = 1 this is PFOO-L, with c = b the order is by t alone, and with c = latency + b/bandwidth it bounds the wait.
 */
export function pfooLowerBound(
  trace: WholeTrace,
  options: { capacitiesBytes: readonly number[]; wait: MissWait },
): readonly PolicyResult[] {
  const { wait, capacitiesBytes } = options;
  const total = totals(trace, wait);
  const saved = OBJECTIVES.map((objective) => savedCosts(trace, objective, options));
  return capacitiesBytes.map((capacityBytes, index) => {
    const ofAll = (objective: number, whole: number): number => 1 - (saved[objective]?.[index] ?? 0) / whole;
    const waitRatio = ofAll(2, total.seconds);
    return {
      policy: 'pfoo-l',
      capacityBytes,
      objectMissRatio: ofAll(0, total.count),
      byteMissRatio: ofAll(1, total.bytes),
      waitSeconds: waitRatio * total.seconds,
      waitRatio,
      bypasses: 0,
    };
  });
}

function totals(trace: WholeTrace, wait: MissWait): { count: number; bytes: number; seconds: number } {
  let bytes = 0;
  let seconds = 0;
  for (const size of trace.bytes) {
    bytes += size;
    seconds += waitSeconds(size, wait);
  }
  return { count: trace.bytes.length, bytes, seconds };
}

/** The intervals between accesses of one object, as columns, densest first. */
interface Intervals {
  readonly order: Uint32Array;
  readonly bytes: Float64Array;
  readonly byteSteps: Float64Array;
  readonly cost: Float64Array;
}

function savedCosts(
  trace: WholeTrace,
  objective: Objective,
  options: { capacitiesBytes: readonly number[]; wait: MissWait },
): readonly number[] {
  const { order, bytes, byteSteps, cost } = intervalsOf(trace, objective, options.wait);
  return options.capacitiesBytes.map((capacityBytes) => {
    let budget = capacityBytes * trace.bytes.length;
    let saved = 0;
    for (const position of order) {
      if ((bytes[position] ?? 0) > capacityBytes) continue;
      const steps = byteSteps[position] ?? 0;
      if (steps >= budget) return saved + ((cost[position] ?? 0) * budget) / steps;
      budget -= steps;
      saved += cost[position] ?? 0;
    }
    return saved;
  });
}

/**
 * An object whose size changes keeps the size at admission, which is at least the smallest so far, and a hit saves what the
 * access that hits would have cost. Both choices keep the bound below every policy.
 */
function intervalsOf(trace: WholeTrace, objective: Objective, wait: MissWait): Intervals {
  const { nextUse } = trace;
  const accesses = nextUse.length;
  const bytes = trace.bytes.slice();
  const byteSteps = new Float64Array(accesses);
  const cost = new Float64Array(accesses);
  const ordered = new Uint32Array(accesses);
  let intervals = 0;
  for (let position = 0; position < accesses; position += 1) {
    const next = nextUse[position] ?? Number.POSITIVE_INFINITY;
    if (next === Number.POSITIVE_INFINITY) continue;
    const size = bytes[position] ?? 0;
    cost[position] = missCost(objective, trace.bytes[next] ?? 0, wait);
    byteSteps[position] = size * (next - position);
    bytes[next] = Math.min(size, trace.bytes[next] ?? 0);
    ordered[intervals] = position;
    intervals += 1;
  }
  const density = cost.map((saved, position) => saved / (byteSteps[position] ?? 1));
  const order = ordered.subarray(0, intervals).sort((a, b) => (density[b] ?? 0) - (density[a] ?? 0));
  return { order, bytes, byteSteps, cost };
}
