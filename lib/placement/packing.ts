import * as z from 'zod/mini';
import { COMPRESSION_RULE, PACK_BYTES_PER_SECOND, UNPACK_BYTES_PER_SECOND } from '../compression/index.ts';
import { workerPrice } from '../pricing/index.ts';
import { Bytes, DAY_MS, MIB, MINUTE_MS, SECOND_MS } from '../shared/units.ts';
import { readUsd } from './bill.ts';
import { homeClass } from './classes.ts';
import { probabilityOfNoRead } from './demand.ts';
import { type ClassOutlook, classOutlook, type Prospect } from './dollarPolicy.ts';
import type { ClassRates, Rates } from './rates.ts';

const positive = z.number().check(z.positive());

/** What operators allow packing, and what a worker that packs achieves and is. */
export const PackTerms = z.strictObject({
  /** Rule preset L1: what is larger, and gets smaller than this part of its bytes, is packed. */
  aboveBytes: z.number().check(z.nonnegative()),
  belowRatio: z.number().check(z.nonnegative(), z.maximum(1)),
  /** Blob bytes a second. */
  packBytesPerSecond: positive,
  unpackBytesPerSecond: positive,
  /** Memory of the worker, in GiB: what is billed by the second. */
  workerGib: positive,
});
export type PackTerms = z.infer<typeof PackTerms>;

/** The function `transition` with 1,769 MB of memory, which is one whole CPU. */
export const PACK_TERMS: PackTerms = {
  ...COMPRESSION_RULE,
  packBytesPerSecond: PACK_BYTES_PER_SECOND,
  unpackBytesPerSecond: UNPACK_BYTES_PER_SECOND,
  workerGib: 1_769 / 1_024,
};

/** How an object is or could be packed; part of the facts of its tier decision. */
export const PackingFacts = z.strictObject({
  /** Whether its origin is packed now. */
  packed: z.boolean(),
  /** Packed: as measured where it is packed, or was in vain; else as estimated. */
  bytes: Bytes,
  /** Each is written by a request of its own. */
  parts: z.number().check(z.int(), z.positive()),
  terms: PackTerms,
});
export type PackingFacts = z.infer<typeof PackingFacts>;

/** Why an object that could be packed must not be, whatever it would save. */
export type PlainReason =
  | 'held'
  /** It is read more than once in ten days, or was within the last week. */
  | 'read-often'
  /** Readers would wait longer than was promised. */
  | 'promise'
  /** It is archived, or is about to be: packing reads what it packs and what it has written. */
  | 'archived';

/** From the same velocity on the rules call an object warm. */
const OFTEN_PER_DAY = 0.1;
const RECENT_MS = 7 * DAY_MS;
/** Until a worker has the message, and until the catalog names what it wrote. */
const START_MS = MINUTE_MS;

/** What the guards look at; times in milliseconds. */
export interface PackCandidate {
  readonly bytes: number;
  readonly heldBy?: string | undefined;
  readonly lastAccessAt?: number | undefined;
  readonly accessesLast30Days: number;
  readonly knownReadsPerDay?: number | undefined;
}

/** The guards of packing, the same for every policy; undefined where nothing speaks against it. */
export function plainReason(
  facts: PackCandidate,
  packing: PackingFacts,
  from: ClassRates,
  /** How long readers may wait; infinite where nothing was promised and that means anything. */
  toleranceMs: number,
  now: number,
): PlainReason | undefined {
  if (facts.heldBy !== undefined) return 'held';
  const perDay = Math.max(facts.accessesLast30Days / 30, facts.knownReadsPerDay ?? 0);
  const recent = facts.lastAccessAt !== undefined && now - facts.lastAccessAt < RECENT_MS;
  if (perDay >= OFTEN_PER_DAY || recent) return 'read-often';
  if (unpackWaitMs(facts.bytes, packing.terms) > toleranceMs) return 'promise';
  return from.instant ? undefined : 'archived';
}

/** From the wish to read a packed object to bytes that can be read. */
export function unpackWaitMs(bytes: number, terms: PackTerms): number {
  return START_MS + (bytes / terms.unpackBytesPerSecond) * SECOND_MS;
}

/** A preset that weighs no dollars packs nothing that its classes would have to hold for longer until that has paid. */
const PAYS_WITHIN_MS = 365 * DAY_MS;

/**
 * Whether what two classes charge for reading the plain bytes, and for reading back the packed ones, is more than a year of what packing saves: as in
 * GLACIER_IR. What a move without packing would have read as well is left out.
 */
export function readsCostMore(from: ClassRates, into: ClassRates, bytes: number, packing: PackingFacts): boolean {
  const plainUsd = from === into ? bytes * from.retrievalUsdPerByte : 0;
  const savedUsd = (bytes - packing.bytes) * into.usdPerByteMs * PAYS_WITHIN_MS;
  return plainUsd + packing.bytes * into.retrievalUsdPerByte > savedUsd;
}

/** The worker's seconds and the requests of unpacking once into the home class, reading back included. */
export function unpackUsd(bytes: number, packing: PackingFacts, rates: Rates): number {
  const home = rates.of(homeClass(rates));
  return unpackWorkUsd(bytes, packing, rates) + (packing.parts + 2) * home.putUsd + workerReadUsd(home, bytes);
}

/** The worker's seconds of packing, and of unpacking once to see that the same bytes come back. */
export function packUsd(bytes: number, { terms }: PackingFacts, rates: Rates): number {
  return workUsd(bytes / terms.packBytesPerSecond + bytes / terms.unpackBytesPerSecond, terms, rates);
}

/** A worker reads in ranges of 8 MiB. */
export function workerReadUsd(rates: ClassRates, bytes: number): number {
  return readUsd(rates, bytes) + (Math.ceil(bytes / (8 * MIB)) - 1) * rates.getUsd;
}

/** The worker's seconds of unpacking once. */
export function unpackWorkUsd(bytes: number, { terms }: PackingFacts, rates: Rates): number {
  return workUsd(bytes / terms.unpackBytesPerSecond, terms, rates);
}

function workUsd(seconds: number, { workerGib }: PackTerms, rates: Rates): number {
  return seconds * workerGib * workerPrice(rates.prices, 'arm').price.usdPerGbSecond;
}

/** Dollars of packing what lies plain in `from` into `to` now, and of reading back what was written, without what `from` still claims. */
export function packMoveUsd(
  from: ClassRates,
  to: ClassRates,
  bytes: number,
  packing: PackingFacts,
  rates: Rates,
): number {
  const written = (packing.parts + 2) * to.putUsd + packing.bytes * to.uploadUsdPerByte;
  return workerReadUsd(from, bytes) + written + workerReadUsd(to, packing.bytes) + packUsd(bytes, packing, rates);
}

/** Dollars of unpacking what lies packed in `from` into `to` now, and of reading it back, without what `from` still claims. */
export function unpackMoveUsd(
  from: ClassRates,
  to: ClassRates,
  bytes: number,
  packing: PackingFacts,
  rates: Rates,
): number {
  const written = (packing.parts + 2) * to.putUsd + bytes * to.uploadUsdPerByte;
  return workerReadUsd(from, packing.bytes) + written + workerReadUsd(to, bytes) + unpackWorkUsd(bytes, packing, rates);
}

/**
 * Expected dollars of lying packed in `rates` until the next read or the horizon: those of a smaller object whose read also takes
 * an unpacking, with its seconds and requests, and with what waits for it. Undefined where the promise cannot be kept.
 */
export function packedOutlook(
  one: ClassRates,
  at: { readonly bytes: number; readonly heldMs: number; readonly idleMs: number },
  packing: PackingFacts,
  { forecast, horizonMs, waiting }: Prospect,
  rates: Rates,
): ClassOutlook | undefined {
  const waitMs = unpackWaitMs(at.bytes, packing.terms);
  if (waitMs > waiting.toleranceMs) return undefined;
  const left = { toleranceMs: waiting.toleranceMs - waitMs, usdPerMs: waiting.usdPerMs };
  const outlook = classOutlook(one, { ...at, bytes: packing.bytes }, forecast, horizonMs, left);
  if (outlook === undefined) return undefined;
  const rangesUsd = workerReadUsd(one, packing.bytes) - readUsd(one, packing.bytes);
  const readProbability = 1 - probabilityOfNoRead(forecast, horizonMs);
  return {
    ...outlook,
    retrievalUsd: outlook.retrievalUsd + readProbability * (rangesUsd + unpackUsd(at.bytes, packing, rates)),
    gpuWaitingUsd: outlook.gpuWaitingUsd + readProbability * waitMs * waiting.usdPerMs,
  };
}
