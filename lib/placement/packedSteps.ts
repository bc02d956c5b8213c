import { Bytes, MIB } from '../shared/units.ts';
import { storageUsd } from './bill.ts';
import {
  PACK_TERMS,
  type PackingFacts,
  packMoveUsd,
  packUsd,
  unpackMoveUsd,
  unpackWaitMs,
  unpackWorkUsd,
  workerReadUsd,
} from './packing.ts';
import type { PlaneMove } from './planeMove.ts';
import type { ClassRates, Rates } from './rates.ts';
import { chooseRestore, type Waiting } from './restore.ts';

/** Each part of a blob is one of its packed object, which can have so many. */
const PART_BYTES = 64 * MIB;
const MOST_PARTS = 10_000;

/** An object that packs to this part of its bytes, by one worker of the plane; undefined where it cannot be packed. */
export function packsTo(ratio: number | undefined, bytes: number): PackingFacts | undefined {
  const parts = Math.ceil(bytes / PART_BYTES);
  if (ratio === undefined || parts < 1 || parts > MOST_PARTS) return undefined;
  return { packed: false, bytes: Bytes.parse(Math.ceil(ratio * bytes)), parts, terms: PACK_TERMS };
}

/** What is left of a promise to readers when the unpacking is over; undefined where it takes longer. */
export function waitingPacked(bytes: number, packing: PackingFacts, waiting: Waiting): Waiting | undefined {
  const toleranceMs = waiting.toleranceMs - unpackWaitMs(bytes, packing.terms);
  return toleranceMs < 0 ? undefined : { ...waiting, toleranceMs };
}

/**
 * What a read of packed bytes comes to in a class: it begins with a restore, where the class needs one, and an unpacking, which takes them into a plain class
 * that is read at once; there the readers find them.
 */
export function readPacked(
  rates: Rates,
  one: ClassRates,
  bytes: number,
  stepMs: number,
  packing: PackingFacts,
  waiting: Waiting,
) {
  const left = waitingPacked(bytes, packing, waiting) ?? waiting;
  const restore = one.instant ? undefined : chooseRestore(one, packing.bytes, left);
  const waitMs = unpackWaitMs(bytes, packing.terms) + (restore?.waitMs ?? 0);
  const waitingUsd = waitMs * waiting.usdPerMs;
  const standard = rates.of('STANDARD');
  const readUsd = restore
    ? restore.feeUsd + storageUsd(standard, packing.bytes, stepMs) + workerReadUsd(standard, packing.bytes)
    : workerReadUsd(one, packing.bytes);
  return {
    firstReadUsd: readUsd + unpackWorkUsd(bytes, packing, rates) + waitingUsd,
    nextReadUsd: 0,
    getUsd: 0,
    waitingUsd,
    waitMs,
  };
}

/** No such move. */
export const NEVER: PlaneMove = { requestUsd: Number.POSITIVE_INFINITY, retrievalUsd: Number.POSITIVE_INFINITY };

/** Packing what is read at once into such a class. What the worker reads, and its seconds, count as retrieval. */
export function packingMove(
  rates: Rates,
  from: ClassRates,
  to: ClassRates,
  bytes: number,
  packing: PackingFacts,
): PlaneMove {
  if (!from.instant || !to.instant) return NEVER;
  const retrievalUsd = workerReadUsd(from, bytes) + packUsd(bytes, packing, rates);
  return { requestUsd: packMoveUsd(from, to, bytes, packing, rates) - retrievalUsd, retrievalUsd };
}

/** Unpacking into a class that is read at once; out of an archive only for a reader, whose restore and unpacking his read has paid. */
export function unpackingMove(
  rates: Rates,
  from: ClassRates,
  to: ClassRates,
  bytes: number,
  packing: PackingFacts,
): PlaneMove {
  if (!to.instant) return NEVER;
  const retrievalUsd = workerReadUsd(from, packing.bytes) + unpackWorkUsd(bytes, packing, rates);
  const requestUsd = unpackMoveUsd(from, to, bytes, packing, rates) - retrievalUsd;
  return { requestUsd, retrievalUsd: from.instant ? retrievalUsd : Number.POSITIVE_INFINITY };
}
