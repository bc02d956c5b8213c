import { type PriceBook, pricedClasses, type StoragePrice, storagePrice } from '../pricing/index.ts';
import { StorageClass } from '../shared/ids.ts';
import { DAY_MS, MONTH_MS } from '../shared/units.ts';

/** One storage class as the cost functions use it: the price book's rates per byte and millisecond. Made by `compileRates`. */
export interface ClassRates {
  readonly storageClass: string;
  /** Storage, in dollars per billed byte and millisecond, at the first volume step. */
  readonly usdPerByteMs: number;
  readonly putUsd: number;
  readonly getUsd: number;
  readonly transitionInUsd: number;
  readonly uploadUsdPerByte: number;
  readonly minimumMs: number;
  readonly minimumBytes: number;
  /** Extra billed bytes per object: at the class's own rate, and in dollars per millisecond at the STANDARD rate. */
  readonly overheadBytes: number;
  readonly overheadUsdPerMs: number;
  readonly lifecycleRank: number | undefined;
  readonly restores: readonly RestoreRates[];
  /** Fee for reading one byte; for archive classes of the cheapest restore. */
  readonly retrievalUsdPerByte: number;
  /** Fee for each restore or 0 where reads are instant. */
  readonly retrievalUsdPerRequest: number;
  readonly instant: boolean;
  readonly autoTiering: AutoTieringRates | undefined;
}

/** How an archived object can be brought back. */
export interface RestoreRates {
  readonly tier: 'expedited' | 'standard' | 'bulk';
  readonly usdPerByte: number;
  readonly usdPerRequest: number;
  readonly waitMs: number;
  readonly maximumBytes: number;
}

export interface AutoTieringRates {
  readonly minimumBytes: number;
  readonly monitoringUsdPerMs: number;
  /** Ascending by idle time. */
  readonly steps: readonly { readonly afterIdleMs: number; readonly usdPerByteMs: number }[];
}

export interface Rates {
  readonly prices: PriceBook;
  /** What decisions choose among, in S3's order: the classes that the store has and the deciding book prices. */
  readonly classes: readonly StorageClass[];
  /** The rates of a class, also of one that is not chosen any more; throws `PricingError` where the book has no price for it. */
  of(storageClass: string): ClassRates;
  /** Of the same store at other prices. */
  at(prices: PriceBook): Rates;
}

export interface RateOptions {
  /** The length of the billed month: 730 hours when planning, the calendar month when a bill is checked. */
  readonly monthMs?: number;
  /** The storage classes that the store has; all that S3 has where nobody says. */
  readonly classes?: readonly StorageClass[];
}

/** Turns a price book into rates per byte and millisecond. */
export function compileRates(prices: PriceBook, options: RateOptions = {}): Rates {
  const { classes: has = StorageClass.options, monthMs = MONTH_MS } = options;
  const compiled = new Map<string, ClassRates>();
  return {
    prices,
    classes: pricedClasses(prices).filter((one) => has.includes(one)),
    of(storageClass) {
      const known = compiled.get(storageClass);
      if (known !== undefined) return known;
      const rates = compileClass(prices, storageClass, monthMs);
      compiled.set(storageClass, rates);
      return rates;
    },
    at: (others) => compileRates(others, options),
  };
}

function compileClass(prices: PriceBook, storageClass: string, monthMs: number): ClassRates {
  const { price, book } = storagePrice(prices, storageClass);
  const perByteMs = (usdPerGbMonth: number): number => usdPerGbMonth / book.gbBytes / monthMs;
  const standardUsdPerByteMs = price.overhead === undefined ? 0 : standardRate(prices, monthMs);
  const restores = restoreRates(price, book.gbBytes);
  const cheapest = restores.reduce<RestoreRates | undefined>(
    (best, next) => (best === undefined || next.usdPerByte < best.usdPerByte ? next : best),
    undefined,
  );
  return {
    storageClass,
    usdPerByteMs: perByteMs(price.usdPerGbMonth),
    putUsd: price.usdPer1000.put / 1000,
    getUsd: price.usdPer1000.get / 1000,
    transitionInUsd: price.usdPer1000.transitionIn / 1000,
    uploadUsdPerByte: price.uploadUsdPerGb / book.gbBytes,
    minimumMs: price.minimumDays * DAY_MS,
    minimumBytes: price.minimumBytes,
    overheadBytes: price.overhead?.ownRateBytes ?? 0,
    overheadUsdPerMs: (price.overhead?.standardRateBytes ?? 0) * standardUsdPerByteMs,
    lifecycleRank: price.lifecycleRank,
    restores,
    retrievalUsdPerByte: price.retrieval.instant
      ? price.retrieval.instant.usdPerGb / book.gbBytes
      : (cheapest?.usdPerByte ?? 0),
    retrievalUsdPerRequest: price.retrieval.instant
      ? price.retrieval.instant.usdPer1000 / 1000
      : (cheapest?.usdPerRequest ?? 0),
    instant: price.retrieval.instant !== undefined,
    autoTiering: price.autoTiering && {
      minimumBytes: price.autoTiering.minimumBytes,
      monitoringUsdPerMs: price.autoTiering.monitoringUsdPer1000ObjectMonths / 1000 / monthMs,
      steps: price.autoTiering.tiers.map((tier) => ({
        afterIdleMs: tier.afterIdleDays * DAY_MS,
        usdPerByteMs: perByteMs(tier.usdPerGbMonth),
      })),
    },
  };
}

function standardRate(prices: PriceBook, monthMs: number): number {
  const { price, book } = storagePrice(prices, 'STANDARD');
  return price.usdPerGbMonth / book.gbBytes / monthMs;
}

function restoreRates(price: StoragePrice, gbBytes: number): RestoreRates[] {
  const tiers = ['expedited', 'standard', 'bulk'] as const;
  return tiers.flatMap((tier) => {
    const retrieval = price.retrieval[tier];
    return retrieval === undefined
      ? []
      : [
          {
            tier,
            usdPerByte: retrieval.usdPerGb / gbBytes,
            usdPerRequest: retrieval.usdPer1000 / 1000,
            waitMs: retrieval.waitSeconds * 1000,
            maximumBytes: retrieval.maximumBytes ?? Number.MAX_SAFE_INTEGER,
          },
        ];
  });
}
