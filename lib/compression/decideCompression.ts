import { HOUR_MS, SECOND_MS, Usd } from '../shared/units.ts';

/** What is larger, and gets smaller than this part of its bytes, is compressed. */
export interface CompressionRule {
  readonly aboveBytes: number;
  readonly belowRatio: number;
}

/** Requirement L1. */
export const COMPRESSION_RULE: CompressionRule = { aboveBytes: 100_000_000, belowRatio: 0.7 };

export interface CompressionFacts {
  readonly bytes: number;
  /** Compressed ÷ original. */
  readonly ratio: number;
}

/** What storage and waiting cost, and how fast the bytes move. */
export interface CompressionTerms {
  readonly usdPerGbMonth: number;
  /** Of the price's gigabyte. */
  readonly gbBytes: number;
  readonly months: number;
  /** Each ends in a GPU that waits for the original bytes. */
  readonly readsPerMonth: number;
  /** Of what compresses, and of what waits for a read. */
  readonly usdPerHour: number;
  readonly packBytesPerSecond: number;
  readonly unpackBytesPerSecond: number;
  readonly fetchBytesPerSecond: number;
}

export interface CompressionDecision {
  readonly action: 'compress' | 'keep';
  readonly reason: 'compressible' | 'hardly-smaller' | 'small' | 'pays' | 'costs-more';
  /** Share of the stored bytes, 0 to 1. */
  readonly saving: number;
  /** Over all months; each above 0 where compressing is the better. */
  readonly usd?: { readonly storage: Usd; readonly packing: Usd; readonly waiting: Usd; readonly net: Usd };
}

/** Requirement L1, the preset without prices. */
export function decideCompressionByRule(
  { bytes, ratio }: CompressionFacts,
  { aboveBytes, belowRatio }: CompressionRule = COMPRESSION_RULE,
): CompressionDecision {
  const saving = 1 - ratio;
  if (bytes <= aboveBytes) return { action: 'keep', reason: 'small', saving };
  if (ratio >= belowRatio) return { action: 'keep', reason: 'hardly-smaller', saving };
  return { action: 'compress', reason: 'compressible', saving };
}

/**
 * By expected dollars: GB-months saved − seconds of packing − seconds that readers wait longer. Unpacking runs beside the fetch, so a read takes as long
 * as the slower of both: max(ratio ÷ fetch, 1 ÷ unpack) in the place of 1 ÷ fetch; where the network is the slower one, readers wait less.
 */
export function decideCompressionByDollars(
  { bytes, ratio }: CompressionFacts,
  terms: CompressionTerms,
): CompressionDecision {
  const saving = 1 - ratio;
  const usdPerSecond = (terms.usdPerHour * SECOND_MS) / HOUR_MS;
  const plain = bytes / terms.fetchBytesPerSecond;
  const packed = Math.max((bytes * ratio) / terms.fetchBytesPerSecond, bytes / terms.unpackBytesPerSecond);
  const storage = ((bytes * saving) / terms.gbBytes) * terms.usdPerGbMonth * terms.months;
  const packing = -(bytes / terms.packBytesPerSecond) * usdPerSecond;
  const waiting = (plain - packed) * usdPerSecond * terms.readsPerMonth * terms.months;
  const net = storage + packing + waiting;
  return {
    ...(net > 0 ? { action: 'compress', reason: 'pays' } : { action: 'keep', reason: 'costs-more' }),
    saving,
    usd: {
      storage: Usd.parse(storage),
      packing: Usd.parse(packing),
      waiting: Usd.parse(waiting),
      net: Usd.parse(net),
    },
  };
}
