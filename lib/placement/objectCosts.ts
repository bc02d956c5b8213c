import { billedBytes, earlyDeletionUsd, lifecycleMoves, moveUsd, readUsd, storageUsd } from './bill.ts';
import { OLD_COPY_MS, planeMove } from './planeMove.ts';
import type { ClassRates, Rates } from './rates.ts';
import { chooseRestore, type Waiting } from './restore.ts';

/**
 * One object's dollars in steps of equal length (usually a day), as arrays: what the simulation of policies and the offline optimum
 * share, so that both pay by the same rules.
 *
 * The order within a step: a sweep may move the object; the first read is billed; a second decision may write back the bytes that were
 * just read; the other reads of the step are billed; storage is billed.
 */
export interface ObjectCosts {
  readonly classes: readonly ClassSteps[];
  readonly moves: Readonly<Record<Mechanics, MoveCosts>>;
}

/**
 * How objects change their class. `lifecycle`: down by S3 Lifecycle, up by a copy, and anywhere by writing back bytes that were just read.
 * `plane`: by the plane's copies, in sweeps; it does not hold the bytes that others read, and copies what they had restored.
 */
export type Mechanics = 'lifecycle' | 'plane';

/** Dollars of moves by a sweep, [from][to], without storage and early deletion. */
export interface MoveCosts {
  readonly requestUsd: readonly Float64Array[];
  readonly retrievalUsd: readonly Float64Array[];
}

export interface ClassSteps {
  readonly storageClass: string;
  /**
   * Indexed by the age in the class, in steps, up to the last entry, which stands for all greater ages. For Intelligent-Tiering the
   * age is the idle time, and a read sets it to 0.
   */
  readonly storageUsd: Float64Array;
  readonly earlyDeletionUsd: Float64Array;
  /** Storage of the old copy beside the plane's new one, where early deletion has not paid for it. */
  readonly oldCopyUsd: Float64Array;
  readonly readResetsAge: boolean;
  /** Writing the object into the class, also as a write-back. */
  readonly putUsd: number;
  /** The first read of a step in full: request, retrieval and, for archive classes, the restore, its copy and what waits for it. */
  readonly firstReadUsd: number;
  /** A further read of the same step: the restored copy of an archived object answers it. */
  readonly nextReadUsd: number;
  /** Parts of the above. */
  readonly getUsd: number;
  readonly waitingUsd: number;
  readonly waitMs: number;
}

/** The classes that can keep the promise of `waiting` for an object of this size; the others are refused everywhere. */
export function allowedClasses(rates: Rates, candidates: readonly string[], bytes: number, waiting: Waiting): string[] {
  return candidates.filter((name) => {
    const one = rates.of(name);
    return one.instant || chooseRestore(one, bytes, waiting) !== undefined;
  });
}

/** Builds the table of one object. Throws `PricingError` where the book lacks a class. */
export function objectCosts(
  rates: Rates,
  classes: readonly string[],
  bytes: number,
  stepMs: number,
  waiting: Waiting,
): ObjectCosts {
  const compiled = classes.map((name) => rates.of(name));
  return {
    classes: compiled.map((one) => classSteps(rates, one, bytes, stepMs, waiting)),
    moves: {
      lifecycle: moveCosts(compiled, (from, to) => lifecycleMove(from, to, bytes)),
      plane: moveCosts(compiled, (from, to) => planeMove(rates, from, to, bytes)),
    },
  };
}

function moveCosts(
  classes: readonly ClassRates[],
  move: (from: ClassRates, to: ClassRates) => { readonly requestUsd: number; readonly retrievalUsd: number },
): MoveCosts {
  const byMove = (part: 'requestUsd' | 'retrievalUsd'): Float64Array[] =>
    classes.map((from) => Float64Array.from(classes, (to) => move(from, to)[part]));
  return { requestUsd: byMove('requestUsd'), retrievalUsd: byMove('retrievalUsd') };
}

function lifecycleMove(
  from: ClassRates,
  to: ClassRates,
  bytes: number,
): { readonly requestUsd: number; readonly retrievalUsd: number } {
  const transitions = lifecycleMoves(from, to);
  const retrievalUsd = transitions ? 0 : readUsd(from, bytes) - from.getUsd;
  return { requestUsd: moveUsd(from, to, bytes, transitions ? 'lifecycle' : 'copy') - retrievalUsd, retrievalUsd };
}

function classSteps(rates: Rates, one: ClassRates, bytes: number, stepMs: number, waiting: Waiting): ClassSteps {
  const auto = one.autoTiering;
  const lastTierMs = auto?.steps.at(-1)?.afterIdleMs ?? 0;
  const length = Math.ceil(Math.max(one.minimumMs, lastTierMs) / stepMs) + 1;
  const perMs = billedBytes(one, bytes) * one.usdPerByteMs + one.overheadUsdPerMs;
  const oldCopyUsd = (heldMs: number): number =>
    Math.max(0, storageUsd(one, bytes, OLD_COPY_MS, heldMs) - earlyDeletionUsd(one, bytes, heldMs));
  const restore = one.instant ? undefined : chooseRestore(one, bytes, waiting);
  const restoredCopyUsd = one.instant ? 0 : storageUsd(rates.of('STANDARD'), bytes, stepMs);
  const firstReadUsd = restore
    ? one.getUsd + restore.feeUsd + restoredCopyUsd + restore.waitingUsd
    : readUsd(one, bytes);
  return {
    storageClass: one.storageClass,
    storageUsd: Float64Array.from({ length }, (_, age) => storageUsd(one, bytes, stepMs, age * stepMs)),
    earlyDeletionUsd: Float64Array.from({ length }, (_, age) => Math.max(0, one.minimumMs - age * stepMs) * perMs),
    oldCopyUsd: Float64Array.from({ length }, (_, age) => oldCopyUsd(age * stepMs)),
    readResetsAge: auto !== undefined,
    putUsd: moveUsd(one, one, bytes, 'write-back'),
    firstReadUsd,
    nextReadUsd: one.instant ? firstReadUsd : one.getUsd,
    getUsd: one.getUsd,
    waitingUsd: restore?.waitingUsd ?? 0,
    waitMs: restore?.waitMs ?? 0,
  };
}
