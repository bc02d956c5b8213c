import type { PriceBookFile } from './priceBook.ts';

/** One price of a book, named for people. */
export interface PriceLine {
  readonly book: string;
  readonly asOf: string;
  readonly item: string;
  readonly usd: number;
  readonly per: string;
  readonly source: string;
}

/** Without requests and uploads that cost nothing. */
export function listPrices(book: PriceBookFile): PriceLine[] {
  return linesOf(book, (usd) => usd > 0);
}

/** `isListed` says whether a price of requests or uploads, which most classes do not have, makes a line. */
function linesOf(book: PriceBookFile, isListed: (usd: number) => boolean): PriceLine[] {
  const from =
    (source: string) =>
    (item: string, usd: number, per: string): PriceLine => ({ book: book.id, asOf: book.asOf, item, usd, per, source });
  return [
    ...Object.entries(book.storage).flatMap(([name, price]) => storageLines(name, price, isListed, from(price.source))),
    ...Object.entries(book.hostTiers).map(([tier, { source, usdPerGbHour }]) =>
      from(source)(tier, usdPerGbHour, 'GB-hour'),
    ),
    ...Object.entries(book.gpus).map(([gpu, { source, usdPerHour }]) => from(source)(`GPU ${gpu}`, usdPerHour, 'hour')),
    ...Object.entries(book.transfer).map(([route, { source, usdPerGb }]) =>
      from(source)(`transfer ${route}`, usdPerGb, 'GB'),
    ),
    ...Object.entries(book.workers).map(([worker, { source, usdPerGbSecond }]) =>
      from(source)(`function on ${worker}`, usdPerGbSecond, 'GB-second'),
    ),
  ];
}

function storageLines(
  name: string,
  price: PriceBookFile['storage'][string],
  isListed: (usd: number) => boolean,
  line: (item: string, usd: number, per: string) => PriceLine,
): PriceLine[] {
  const { put, get, transitionIn } = price.usdPer1000;
  return [
    line(`${name} storage`, price.usdPerGbMonth, 'GB-month'),
    ...price.volumeSteps.map((step) =>
      line(`${name} storage above ${step.aboveGb} GB`, step.usdPerGbMonth, 'GB-month'),
    ),
    ...(price.autoTiering?.tiers ?? []).map((tier) =>
      line(`${name} after ${tier.afterIdleDays} idle days`, tier.usdPerGbMonth, 'GB-month'),
    ),
    ...(price.autoTiering
      ? [line(`${name} monitoring`, price.autoTiering.monitoringUsdPer1000ObjectMonths, '1,000 object-months')]
      : []),
    line(`${name} put`, put, '1,000 requests'),
    line(`${name} get`, get, '1,000 requests'),
    line(`${name} transition in`, transitionIn, '1,000 requests'),
    ...(isListed(price.uploadUsdPerGb) ? [line(`${name} upload`, price.uploadUsdPerGb, 'GB')] : []),
    ...Object.entries(price.retrieval).flatMap(([tier, retrieval]) => [
      line(`${name} ${tier} retrieval`, retrieval.usdPerGb, 'GB'),
      ...(isListed(retrieval.usdPer1000)
        ? [line(`${name} ${tier} restore`, retrieval.usdPer1000, '1,000 requests')]
        : []),
    ]),
  ];
}

/** A price that differs between two books; undefined where a book does not have it. */
export interface PriceChange {
  readonly item: string;
  readonly per: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** What a refreshed book changes, in the order of the new book, from and to nothing too; prices that it lacks come last. */
export function diffPrices(before: PriceBookFile, after: PriceBookFile): PriceChange[] {
  const old = new Map(linesOf(before, () => true).map((line) => [line.item, line]));
  const fresh = linesOf(after, () => true);
  const kept = new Set(fresh.map((line) => line.item));
  return [
    ...fresh.map(({ item, per, usd }) => ({ item, per, before: old.get(item)?.usd, after: usd })),
    ...[...old.values()]
      .filter((line) => !kept.has(line.item))
      .map(({ item, per, usd }) => ({ item, per, before: usd, after: undefined })),
  ].filter((change) => change.before !== change.after);
}
