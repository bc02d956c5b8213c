import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  billUsd,
  emptyBill,
  type Mechanics,
  type MoveCosts,
  type MovingPolicy,
  type ObjectCosts,
  type ObjectHistory,
  ObjectRun,
  offlineOptimum,
  simulate,
} from '../../../lib/placement/index.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';

/** Small made-up classes: 1 to 3 of them, each with ages up to 3, so that every schedule can be tried. */
const classSteps = fc
  .record({
    length: fc.integer({ min: 1, max: 4 }),
    storage: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 4, maxLength: 4 }),
    perStep: fc.integer({ min: 0, max: 10 }),
    minimum: fc.integer({ min: 0, max: 3 }),
    resets: fc.boolean(),
    oldCopy: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 }),
    put: fc.integer({ min: 0, max: 5 }),
    waitMs: fc.constantFrom(0, 1),
    first: fc.integer({ min: 0, max: 30 }),
    next: fc.integer({ min: 0, max: 30 }),
  })
  .map(({ length, storage, perStep, minimum, resets, oldCopy, put, waitMs, first, next }) => ({
    storageClass: 'made-up',
    packed: false,
    storageUsd: Float64Array.from({ length }, (_, age) => storage[age] ?? 0),
    earlyDeletionUsd: Float64Array.from({ length }, (_, age) => Math.max(0, minimum - age) * perStep),
    oldCopyUsd: Float64Array.from({ length }, (_, age) => oldCopy[age] ?? 0),
    readResetsAge: resets,
    putUsd: put,
    firstReadUsd: first,
    nextReadUsd: next,
    getUsd: 0,
    waitingUsd: 0,
    waitMs,
  }));

const square = (size: number): fc.Arbitrary<number[][]> =>
  fc.array(fc.array(fc.integer({ min: 0, max: 15 }), { minLength: size, maxLength: size }), {
    minLength: size,
    maxLength: size,
  });

const cases = fc.integer({ min: 1, max: 3 }).chain((classCount) =>
  fc.record({
    classes: fc.array(classSteps, { minLength: classCount, maxLength: classCount }),
    moves: square(classCount),
    /** What the plane's copies charge above the write into their class. */
    copies: square(classCount),
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
      moves: {
        lifecycle: moveCosts(given.moves, () => 0),
        plane: moveCosts(given.copies, (to) => given.classes[to]?.putUsd ?? 0),
      },
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

/** As requests the write into the class, which a plane makes at least, and as retrieval the rest. */
function moveCosts(usd: readonly (readonly number[])[], writeUsd: (to: number) => number): MoveCosts {
  return {
    requestUsd: usd.map((row) => Float64Array.from(row, (_, to) => writeUsd(to))),
    retrievalUsd: usd.map((row) => Float64Array.from(row)),
  };
}

/** Plays one fixed schedule: a class for each moment at which a policy is asked. What is read is not left packed, but goes to the first class, which is plain. */
function scripted(mechanics: Mechanics, { classes }: ObjectCosts, schedule: readonly number[]): MovingPolicy {
  let asked = 0;
  const next = (): number => schedule[asked++] ?? 0;
  const nextPlain = (): number => {
    const index = next();
    return classes[index]?.packed === true ? 0 : index;
  };
  return { mechanics, steps: { place: next, sweep: next, afterRead: nextPlain } };
}

/** Tries every schedule through the simulation that bills the policies. */
function bruteForce(mechanics: Mechanics, costs: ObjectCosts, history: ObjectHistory): number {
  const moments = history.endStep - history.startStep + history.steps.length;
  let best = Number.POSITIVE_INFINITY;
  for (let code = 0; code < costs.classes.length ** moments; code += 1) {
    const schedule = Array.from(
      { length: moments },
      (_, place) => Math.floor(code / costs.classes.length ** place) % costs.classes.length,
    );
    const bill = emptyBill();
    simulate(new ObjectRun(history, costs, 1, scripted(mechanics, costs, schedule), DAY_MS, bill));
    best = Math.min(best, billUsd(bill));
  }
  return best;
}

const mechanicses = fc.constantFrom<Mechanics>('lifecycle', 'plane');
const tooDear = (usd: readonly (readonly number[])[]): number[][] => usd.map((row) => row.map(() => 1_000));

describe('the offline optimum', () => {
  it('equals the cheapest of all schedules', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { costs, history } = build({ ...given, copies: tooDear(given.copies) });
        expect(offlineOptimum(history, costs)).toBeCloseTo(bruteForce('lifecycle', costs, history), 9);
      }),
      { numRuns: 1_000 },
    );
  });

  it("equals the cheapest schedule of the plane's copies where only these move, and nothing is read", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const reads = given.reads.map(() => 0);
        const { costs, history } = build({ ...given, reads, moves: tooDear(given.moves) });
        expect(offlineOptimum(history, costs)).toBeCloseTo(bruteForce('plane', costs, history), 9);
      }),
      { numRuns: 200 },
    );
  });

  it('equals the cheapest schedule with packed copies, which are unpacked when they are read', () => {
    const packable = fc.tuple(cases, fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), square(3));
    fc.assert(
      fc.property(packable, ([given, packs, unpacking]) => {
        const { costs, history } = build({ ...given, moves: tooDear(given.moves) });
        // Writing back what was just read is no move of the plane's, which reads nothing: too dear here. The first class is plain.
        const classes = costs.classes.map((one, index) => {
          const packed = index > 0 && packs[index] === true;
          return { ...one, packed, waitMs: 0, putUsd: packed ? Number.POSITIVE_INFINITY : 1_000 };
        });
        const requestUsd = costs.moves.plane.requestUsd.map((row, from) =>
          row.map((_, to) => unpacking[from]?.[to] ?? 0),
        );
        const withPacked = { classes, moves: { ...costs.moves, plane: { ...costs.moves.plane, requestUsd } } };
        expect(offlineOptimum(history, withPacked)).toBeCloseTo(bruteForce('plane', withPacked, history), 9);
      }),
      { numRuns: 400 },
    );
  });

  it('with reads that may have come or not is the least over all choices of them', () => {
    const open = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(cases, open, (given, open) => {
        const known = given.reads.map((count, step) => (open[step] ? 0 : count));
        const { costs, history } = build({ ...given, reads: known, copies: tooDear(given.copies) });
        const maybeSteps = given.reads.flatMap((count, step) => (open[step] && count > 0 ? [step] : []));
        let least = Number.POSITIVE_INFINITY;
        for (let code = 0; code < 3 ** maybeSteps.length; code += 1) {
          const reads = known.slice();
          maybeSteps.forEach((step, place) => (reads[step] = Math.floor(code / 3 ** place) % 3));
          const chosen = build({ ...given, reads, copies: tooDear(given.copies) });
          least = Math.min(least, bruteForce('lifecycle', chosen.costs, chosen.history));
        }
        expect(offlineOptimum({ ...history, maybeSteps }, costs)).toBeCloseTo(least, 9);
      }),
      { numRuns: 200 },
    );
  });

  it('is never above what a random schedule pays', () => {
    fc.assert(
      fc.property(cases, mechanicses, fc.array(fc.nat(2), { minLength: 8, maxLength: 8 }), (given, how, schedule) => {
        const { costs, history } = build(given);
        const bill = emptyBill();
        const policy = scripted(
          how,
          costs,
          schedule.map((one) => one % costs.classes.length),
        );
        simulate(new ObjectRun(history, costs, 1, policy, DAY_MS, bill));
        expect(offlineOptimum(history, costs)).toBeLessThanOrEqual(billUsd(bill) + 1e-9);
      }),
      { numRuns: 1_000 },
    );
  });
});
