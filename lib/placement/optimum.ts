import type { MoveCosts, ObjectCosts } from './objectCosts.ts';

/** The reads of one object in steps: from `startStep` (when it is written) up to `endStep`, which is not billed any more. */
export interface ObjectHistory {
  readonly startStep: number;
  readonly endStep: number;
  /** Steps with reads, ascending, and the number of reads of each. */
  readonly steps: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
  /** Other steps, ascending, whose reads may have come or not; only the optimum looks at them, and takes what is cheaper. */
  readonly maybeSteps?: ArrayLike<number>;
  /** Whether the object is deleted at `endStep`, so that what remains of a minimum duration is charged. */
  readonly deleted: boolean;
}

/**
 * The least dollars that any schedule of moves could have cost, knowing all reads: dynamic programming over class × age in the class.
 * O(steps × (states + classes²)). Nothing that plays by the rules of `ObjectCosts` can be cheaper: a sweep's move takes the cheaper of the
 * mechanics, and writing back what was just read never costs more than the plane's copy of what was restored, which begins with that write.
 *
 * With `maybeSteps` it is the least over all choices of their reads. More than one read of a step is never cheaper than one: the bytes may
 * be written back after the first, and what the others change is only an idle time that is 0 already.
 */
export function offlineOptimum(history: ObjectHistory, costs: ObjectCosts): number {
  const { classes } = costs;
  const left = classes.map((one) => one.earlyDeletionUsd);
  const copied = classes.map((one) => one.earlyDeletionUsd.map((usd, age) => usd + (one.oldCopyUsd[age] ?? 0)));
  let values = classes.map((one) => {
    const value = new Float64Array(one.storageUsd.length).fill(Number.POSITIVE_INFINITY);
    value[0] = one.putUsd;
    return value;
  });
  let spare = classes.map((one) => new Float64Array(one.storageUsd.length));
  let next = 0;
  let nextMaybe = 0;
  const read = (values: readonly Float64Array[], count: number): void => {
    unpack(values, costs, copied);
    classes.forEach((one, index) => addRead(values[index], one.firstReadUsd, one.readResetsAge));
    relax(values, exitsOf(values, left), (_, to) => classes[to]?.putUsd ?? 0);
    classes.forEach((one, index) => addRead(values[index], (count - 1) * one.nextReadUsd, one.readResetsAge));
  };
  for (let step = history.startStep; step < history.endStep; step += 1) {
    if (step > history.startStep) {
      const exits = { lifecycle: exitsOf(values, left), plane: exitsOf(values, copied) };
      relax(values, exits.lifecycle, (from, to) => moveUsd(costs.moves.lifecycle, from, to));
      relax(values, exits.plane, (from, to) => moveUsd(costs.moves.plane, from, to));
    }
    if (history.steps[next] === step) {
      const count = history.counts[next] ?? 0;
      next += 1;
      read(values, count);
    } else if (history.maybeSteps?.[nextMaybe] === step) {
      nextMaybe += 1;
      const unread = values.map((value) => value.slice());
      read(values, 1);
      values.forEach((value, index) => keepLower(value, unread[index]));
    }
    classes.forEach((one, index) => store(values[index], spare[index], one.storageUsd));
    [values, spare] = [spare, values];
  }
  return Math.min(
    ...classes.map((one, index) => bestExit(values[index], history.deleted ? one.earlyDeletionUsd : undefined)),
  );
}

function moveUsd({ requestUsd, retrievalUsd }: MoveCosts, from: number, to: number): number {
  return (requestUsd[from]?.[to] ?? 0) + (retrievalUsd[from]?.[to] ?? 0);
}

/** What is packed is in a plain class before it is read. */
function unpack(
  values: readonly Float64Array[],
  { classes, moves }: ObjectCosts,
  exitUsd: readonly Float64Array[],
): void {
  classes.forEach((one, from) => {
    if (!one.packed) return;
    const exit = bestExit(values[from], exitUsd[from]) + one.firstReadUsd;
    values.forEach((value, to) => {
      const entered = exit + (moves.plane.requestUsd[from]?.[to] ?? 0);
      if (classes[to]?.packed === false && entered < (value[0] ?? 0)) value[0] = entered;
    });
    values[from]?.fill(Number.POSITIVE_INFINITY);
  });
}

/** The cheapest exit of every class. */
function exitsOf(values: readonly Float64Array[], exitUsd: readonly Float64Array[]): number[] {
  return values.map((value, index) => bestExit(value, exitUsd[index]));
}

/** Lets every class be entered from the exit of every other class. */
function relax(
  values: readonly Float64Array[],
  exits: readonly number[],
  moveUsd: (from: number, to: number) => number,
): void {
  for (let to = 0; to < values.length; to += 1) {
    const value = values[to];
    if (value === undefined) continue;
    for (let from = 0; from < exits.length; from += 1) {
      if (from === to) continue;
      const entered = (exits[from] ?? Number.POSITIVE_INFINITY) + moveUsd(from, to);
      if (entered < (value[0] ?? 0)) value[0] = entered;
    }
  }
}

function bestExit(value: Float64Array | undefined, exitUsd: Float64Array | undefined): number {
  let best = Number.POSITIVE_INFINITY;
  if (value === undefined) return best;
  for (let age = 0; age < value.length; age += 1) {
    const leaving = (value[age] ?? 0) + (exitUsd?.[age] ?? 0);
    if (leaving < best) best = leaving;
  }
  return best;
}

function addRead(value: Float64Array | undefined, usd: number, resetsAge: boolean): void {
  if (value === undefined) return;
  if (!resetsAge) {
    for (let age = 0; age < value.length; age += 1) value[age] = (value[age] ?? 0) + usd;
    return;
  }
  const best = bestExit(value, undefined) + usd;
  value.fill(Number.POSITIVE_INFINITY);
  value[0] = best;
}

function keepLower(value: Float64Array, other: Float64Array | undefined): void {
  for (let age = 0; age < value.length; age += 1) {
    value[age] = Math.min(value[age] ?? 0, other?.[age] ?? Number.POSITIVE_INFINITY);
  }
}

/** One step of storage: every age grows by one, the last one stays. */
function store(from: Float64Array | undefined, to: Float64Array | undefined, storageUsd: Float64Array): void {
  if (from === undefined || to === undefined) return;
  const last = from.length - 1;
  to[0] = Number.POSITIVE_INFINITY;
  for (let age = 0; age < last; age += 1) to[age + 1] = (from[age] ?? 0) + (storageUsd[age] ?? 0);
  const stays = (from[last] ?? 0) + (storageUsd[last] ?? 0);
  if (last === 0 || stays < (to[last] ?? 0)) to[last] = stays;
}
