import { billedBytes, earlyDeletionUsd, lifecycleMoves, moveUsd, readUsd, storageUsd } from './bill.ts';
import { NEVER, packingMove, readPacked, unpackingMove } from './packedSteps.ts';
import type { PackingFacts } from './packing.ts';
import { OLD_COPY_MS, type PlaneMove, planeMove } from './planeMove.ts';
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
  /** Whether the bytes lie packed. Then a read first takes them into a plain class, by the plane's requests of that move, and is billed there. */
  readonly packed: boolean;
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
  /** The first read of a step in full (packed: what comes before it): request, retrieval and, for archive classes, the restore, its copy and what waits for it. */
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

/** How an object packs, and the classes that may hold it packed. */
export interface PackedPlaces {
  readonly facts: PackingFacts;
  readonly classes: readonly string[];
}

interface Place {
  readonly one: ClassRates;
  readonly packed: boolean;
}

/** Builds the table of one object: the classes, then those in which it may lie packed. Throws `PricingError` where the book lacks a class. */
export function objectCosts(
  rates: Rates,
  classes: readonly string[],
  bytes: number,
  stepMs: number,
  waiting: Waiting,
  packing?: PackedPlaces,
): ObjectCosts {
  const places = [
    ...classes.map((name): Place => ({ one: rates.of(name), packed: false })),
    ...(packing?.classes ?? []).map((name): Place => ({ one: rates.of(name), packed: true })),
  ];
  const facts = packing?.facts;
  const stored = (packed: boolean): number => (packed && facts ? facts.bytes : bytes);
  return {
    classes: places.map(({ one, packed }) => {
      const steps = classSteps(rates, one, stored(packed), stepMs, waiting);
      if (!packed || facts === undefined) return steps;
      // Nobody uploads packed bytes.
      const putUsd = Number.POSITIVE_INFINITY;
      return { ...steps, packed, putUsd, ...readPacked(rates, one, bytes, stepMs, facts, waiting) };
    }),
    moves: {
      lifecycle: moveCosts(places, (from, to) =>
        from.packed === to.packed ? lifecycleMove(from.one, to.one, stored(from.packed)) : NEVER,
      ),
      plane: moveCosts(places, (from, to) => {
        // What is archived must be restored, and a restore unpacks.
        if (from.packed && to.packed) {
          return from.one.instant ? planeMove(rates, from.one, to.one, stored(true)) : NEVER;
        }
        if (facts === undefined || from.packed === to.packed) return planeMove(rates, from.one, to.one, bytes);
        return (to.packed ? packingMove : unpackingMove)(rates, from.one, to.one, bytes, facts);
      }),
    },
  };
}

function moveCosts(places: readonly Place[], move: (from: Place, to: Place) => PlaneMove): MoveCosts {
  const byMove = (part: 'requestUsd' | 'retrievalUsd'): Float64Array[] =>
    places.map((from) => Float64Array.from(places, (to) => move(from, to)[part]));
  return { requestUsd: byMove('requestUsd'), retrievalUsd: byMove('retrievalUsd') };
}

function lifecycleMove(from: ClassRates, to: ClassRates, bytes: number): PlaneMove {
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
    packed: false,
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
