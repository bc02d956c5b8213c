import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ObjectCosts, type ObjectHistory, offlineOptimum } from '../../../lib/placement/index.ts';
import { billUsd, emptyBill, ObjectRun, simulate, type StepPolicy } from '../../../lib/placement/index.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';

/** Small made-up classes: 1 to 3 of them, each with ages up to 3, so that every schedule can be tried. */
const classSteps = fc
  .record({
    length: fc.integer({ min: 1, max: 4 }),
    storage: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 4, maxLength: 4 }),
    perStep: fc.integer({ min: 0, max: 10 }),
    minimum: fc.integer({ min: 0, max: 3 }),
    resets: fc.boolean(),
    put: fc.integer({ min: 0, max: 5 }),
    first: fc.integer({ min: 0, max: 30 }),
    next: fc.integer({ min: 0, max: 30 }),
  })
  .map(({ length, storage, perStep, minimum, resets, put, first, next }) => ({
    storageClass: 'made-up',
    storageUsd: Float64Array.from({ length }, (_, age) => storage[age] ?? 0),
    earlyDeletionUsd: Float64Array.from({ length }, (_, age) => Math.max(0, minimum - age) * perStep),
    readResetsAge: resets,
    putUsd: put,
    firstReadUsd: first,
    nextReadUsd: next,
    getUsd: 0,
    waitingUsd: 0,
    waitMs: 0,
  }));

const cases = fc.integer({ min: 1, max: 3 }).chain((classCount) =>
  fc.record({
    classes: fc.array(classSteps, { minLength: classCount, maxLength: classCount }),
    moves: fc.array(fc.array(fc.integer({ min: 0, max: 15 }), { minLength: classCount, maxLength: classCount }), {
      minLength: classCount,
      maxLength: classCount,
    }),
    reads: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 4 }),
    deleted: fc.boolean(),
  }),
);

function build(given: typeof cases extends fc.Arbitrary<infer Case> ? Case : never): {
  costs: ObjectCosts;
  history: ObjectHistory;
} {
  const steps = given.reads.flatMap((count, step) => (count > 0 ? [step] : []));
  return {
    costs: {
      classes: given.classes,
      moves: given.moves.map((row) => Float64Array.from(row)),
      moveRetrievals: given.moves.map((row) => new Float64Array(row.length)),
    },
    history: {
      startStep: 0,
      endStep: given.reads.length,
      steps,
      counts: steps.map((step) => given.reads[step] ?? 0),
      deleted: given.deleted,
    },
  };
}

/** Plays one fixed schedule: a class for each moment at which a policy is asked. */
function scripted(schedule: readonly number[]): StepPolicy {
  let asked = 0;
  const next = (): number => schedule[asked++] ?? 0;
  return { place: next, sweep: next, afterRead: next };
}

/** Tries every schedule through the simulation that bills the policies. */
function bruteForce(costs: ObjectCosts, history: ObjectHistory): number {
  const moments = history.endStep - history.startStep + history.steps.length;
  let best = Number.POSITIVE_INFINITY;
  for (let code = 0; code < costs.classes.length ** moments; code += 1) {
    const schedule = Array.from(
      { length: moments },
      (_, place) => Math.floor(code / costs.classes.length ** place) % costs.classes.length,
    );
    const bill = emptyBill();
    simulate(new ObjectRun(history, costs, 1, scripted(schedule), DAY_MS, bill));
    best = Math.min(best, billUsd(bill));
  }
  return best;
}

describe('the offline optimum', () => {
  it('equals the cheapest of all schedules', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { costs, history } = build(given);
        expect(offlineOptimum(history, costs)).toBeCloseTo(bruteForce(costs, history), 9);
      }),
      { numRuns: 3_000 },
    );
  });

  it('is never above what a random schedule pays', () => {
    fc.assert(
      fc.property(cases, fc.array(fc.nat(2), { minLength: 8, maxLength: 8 }), (given, schedule) => {
        const { costs, history } = build(given);
        const bill = emptyBill();
        const policy = scripted(schedule.map((one) => one % costs.classes.length));
        simulate(new ObjectRun(history, costs, 1, policy, DAY_MS, bill));
        expect(offlineOptimum(history, costs)).toBeLessThanOrEqual(billUsd(bill) + 1e-9);
      }),
    );
  });
});
