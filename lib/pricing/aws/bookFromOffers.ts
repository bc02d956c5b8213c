import { type PriceBookFile, parsePriceBook, type StoragePrice } from '../priceBook.ts';
import { type Band, hasProduct, invalid, OFFER_CODES, type OfferCode, type OfferFile, priceOf } from './offerFile.ts';
import { ANCHOR, CLASS_QUOTES, type ClassQuotes, internetOut, type Quote } from './products.ts';

type Offers = Readonly<Record<OfferCode, OfferFile>>;
type Read = (quote: Quote) => readonly Band[];

/** AWS publishes the lists of all regions here. */
export const PRICE_LIST_ORIGIN = 'https://pricing.us-east-1.amazonaws.com';

/** Whether a text is a region's code, as `us-east-1`; it may be of one that is not there yet. */
export const isAwsRegion = (text: string): boolean => /^[a-z]{2}(?:-[a-z]{2,12}){1,3}-\d$/.test(text);

/** The path of a regional list. `region` comes from the deployment's own settings; anything but a region's code is refused. */
export function offerPath(code: OfferCode, region: string): string {
  if (!isAwsRegion(region)) throw invalid(`"${region.slice(0, 40)}" is no region of AWS`);
  return `/offers/v1.0/aws/${code}/current/${region}/index.json`;
}

/**
 * Makes the book of one region from AWS's price lists, read on `readOn` (`YYYY-MM-DD`).
 *
 * `rules` is a book of AWS. It says what the lists do not: minimum sizes and durations, overhead, waits of restores and the order of
 * lifecycle rules, which are the same in every region. If it is of the same region, prices that no list here holds (hours of GPUs, seconds of workers, between
 * zones and regions) are carried over with the date on which they were read; of another region they are left out.
 * @throws PricingError `missing-price` naming a price that the lists lack, `invalid-list`
 */
export function bookFromOffers(
  rules: PriceBookFile,
  region: string,
  readOn: string,
  files: readonly OfferFile[],
): PriceBookFile {
  const offers = offersOf(files);
  const prefix = regionPrefix(offers.AmazonS3, region);
  const read: Read = ({ from, wanted }) => priceOf(offers[from], prefix, wanted);
  const storage = Object.entries(CLASS_QUOTES).flatMap(([name, quotes]) => {
    if (quotes.optional === true && !hasProduct(offers[quotes.storage.from], prefix, quotes.storage.wanted)) return [];
    return [[name, priceClass(name, quotes, rules, read)] as const];
  });
  const carried = carriedOver(rules, region);
  return parsePriceBook({
    schema: 'strata.prices/1',
    id: `aws/${region}`,
    provider: 'aws',
    region,
    asOf: readOn,
    gbBytes: rules.gbBytes,
    sources: { ...carried.sources, ...listSources(region, offers) },
    storage: Object.fromEntries(storage),
    hostTiers: {},
    gpus: carried.gpus,
    workers: carried.workers,
    transfer: {
      ...carried.transfer,
      internet: { source: 'list-transfer', usdPerGb: chargedFirst(read(internetOut(region))) },
    },
  });
}

function offersOf(files: readonly OfferFile[]): Offers {
  const pick = (code: OfferCode): OfferFile => {
    const [file, ...others] = files.filter((one) => one.code === code);
    if (file === undefined || others.length > 0) {
      throw invalid(
        `a book is made of one list each of ${OFFER_CODES.join(', ')}; ${files.length} were given, of ${code} ${others.length + (file === undefined ? 0 : 1)}`,
      );
    }
    return file;
  };
  return {
    AmazonS3: pick('AmazonS3'),
    AmazonS3GlacierDeepArchive: pick('AmazonS3GlacierDeepArchive'),
    AWSDataTransfer: pick('AWSDataTransfer'),
  };
}

/** What stands before every usage type of the region: `EUC1-` in Frankfurt, nothing in us-east-1. It is listed nowhere. */
function regionPrefix(file: OfferFile, region: string): string {
  const anchors = file.products.filter(
    ({ attributes }) =>
      Object.entries(ANCHOR.attributes).every(([name, value]) => attributes[name] === value) &&
      (attributes['operation'] ?? '') === '',
  );
  const [anchor] = anchors;
  const usagetype = anchor?.attributes['usagetype'] ?? '';
  if (anchors.length !== 1 || !/^(?:[A-Z0-9]{2,6}-)?TimedStorage-ByteHrs$/.test(usagetype)) {
    throw invalid(
      `it has ${anchors.length} products that are S3 Standard storage, where one tells the region's usage types`,
    );
  }
  if (anchor?.attributes['regionCode'] !== region) {
    throw invalid(`it is of ${anchor?.attributes['regionCode']?.slice(0, 40) ?? 'no region'}, not of ${region}`);
  }
  return usagetype.slice(0, -ANCHOR.usagetype.length);
}

function priceClass(name: string, quotes: ClassQuotes, rules: PriceBookFile, read: Read): StoragePrice {
  const known = rules.storage[name];
  if (known === undefined) throw invalid(`the book ${rules.id} does not say how ${name} is billed`);
  const [first, ...steps] = read(quotes.storage);
  if (first === undefined) throw invalid(`${name} has no price`);
  const source = quotes.storage.from === 'AmazonS3' ? 'list-s3' : 'list-deep-archive';
  const perThousand = (quote: Quote): number => thousand(only(read(quote)));
  return {
    ...known,
    source,
    usdPerGbMonth: first.usd,
    volumeSteps: steps.map(({ begin, usd }) => ({ aboveGb: begin, usdPerGbMonth: usd })),
    usdPer1000: {
      put: perThousand(quotes.put),
      get: perThousand(quotes.get),
      transitionIn: perThousand(quotes.transitionIn),
    },
    uploadUsdPerGb: quotes.upload === undefined ? 0 : only(read(quotes.upload)),
    retrieval: Object.fromEntries(
      Object.entries(quotes.retrieval).map(([tier, { bytes, requests }]) => [
        tier,
        {
          ...waitOf(known, tier),
          usdPerGb: bytes === undefined ? 0 : only(read(bytes)),
          usdPer1000: requests === undefined ? 0 : perThousand(requests),
        },
      ]),
    ),
    ...(known.autoTiering && quotes.monitoring && quotes.idleSteps
      ? {
          autoTiering: {
            ...known.autoTiering,
            monitoringUsdPer1000ObjectMonths: perThousand(quotes.monitoring),
            tiers: idleTiers(known.autoTiering.tiers, quotes.idleSteps, read),
          },
        }
      : {}),
  };
}

function idleTiers(
  tiers: NonNullable<StoragePrice['autoTiering']>['tiers'],
  quotes: readonly Quote[],
  read: Read,
): { afterIdleDays: number; usdPerGbMonth: number }[] {
  return tiers.map(({ afterIdleDays }, at) => {
    const quote = quotes[at];
    if (quote === undefined) throw invalid(`no product is known for what is idle for ${afterIdleDays} days`);
    return { afterIdleDays, usdPerGbMonth: only(read(quote)) };
  });
}

function waitOf(known: StoragePrice, tier: string): { waitSeconds: number; maximumBytes?: number | undefined } {
  const restore = Object.entries(known.retrieval).find(([name]) => name === tier)?.[1];
  if (restore === undefined) throw invalid(`no wait is known of a ${tier} restore`);
  const { waitSeconds, maximumBytes } = restore;
  return { waitSeconds, ...(maximumBytes === undefined ? {} : { maximumBytes }) };
}

/** Prices by the request are floats like 4e-7: a thousand of them is rounded to 12 digits, so that 0.0004 stays that. */
const thousand = (usd: number): number => Number((usd * 1000).toPrecision(12));

function only(bands: readonly Band[]): number {
  const [band, ...others] = bands;
  if (band === undefined || others.length > 0)
    throw invalid('a price has volume steps that our books have no place for');
  return band.usd;
}

/** The first step that costs something: before it are the gigabytes that every account has free. */
function chargedFirst(bands: readonly Band[]): number {
  const charged = bands.find(({ usd }) => usd > 0);
  if (charged === undefined) throw invalid('bytes to the internet cost nothing in it');
  return charged.usd;
}

function listSources(region: string, offers: Offers): PriceBookFile['sources'] {
  const source = (code: OfferCode, what: string): PriceBookFile['sources'][string] => ({
    url: `${PRICE_LIST_ORIGIN}${offerPath(code, region)}`,
    note: `${what}: AWS Price List, published ${offers[code].publishedAt.slice(0, 10)}.`,
  });
  return {
    'list-s3': source('AmazonS3', 'Storage, requests and retrieval'),
    'list-deep-archive': source('AmazonS3GlacierDeepArchive', 'Deep Archive'),
    'list-transfer': source('AWSDataTransfer', 'Bytes to the internet, above those that are free'),
  };
}

/** Prices that no list holds, each with the day on which its source was read. */
function carriedOver(
  rules: PriceBookFile,
  region: string,
): Pick<PriceBookFile, 'gpus' | 'workers' | 'transfer' | 'sources'> {
  const sameRegion = rules.region === region;
  const transfer = Object.fromEntries(
    Object.entries(rules.transfer).filter(([route]) => route !== 'internet' && (sameRegion || route === 'same-region')),
  );
  const gpus = sameRegion ? rules.gpus : {};
  const workers = sameRegion ? rules.workers : {};
  const used = new Set(
    [transfer, gpus, workers].flatMap((prices) => Object.values(prices).map(({ source }) => source)),
  );
  const sources = Object.entries(rules.sources)
    .filter(([name]) => used.has(name))
    .map(([name, source]) => [name, { ...source, asOf: source.asOf ?? rules.asOf }] as const);
  return { gpus, workers, transfer, sources: Object.fromEntries(sources) };
}
