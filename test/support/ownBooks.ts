import { type PriceBookFile, parseDecidingBook, type StoragePrice } from '../../lib/pricing/index.ts';

/** The JSON of a book of own disks at $8 a terabyte and month, with one class. */
export function ownDisk(over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    schema: 'strata.prices/1',
    id: 'own/minio',
    provider: 'own',
    region: 'cellar',
    asOf: '2026-11-21',
    gbBytes: 1_000_000_000,
    sources: { bill: { note: 'Disks, servers and power of three years ÷ terabytes ÷ 36.' } },
    storage: { STANDARD: onDisk(0.008) },
    hostTiers: {},
    gpus: {},
    transfer: {},
    ...over,
  };
}

/** A class without requests, fees or minimum. */
export function onDisk(usdPerGbMonth: number): Partial<StoragePrice> {
  return {
    source: 'bill',
    usdPerGbMonth,
    usdPer1000: { put: 0, get: 0, transitionIn: 0 },
    retrieval: { instant: { usdPerGb: 0, usdPer1000: 0, waitSeconds: 0 } },
    minimumDays: 0,
    minimumBytes: 0,
  };
}

export function ownBook(over: Record<string, unknown> = {}): PriceBookFile {
  return parseDecidingBook(ownDisk(over));
}
