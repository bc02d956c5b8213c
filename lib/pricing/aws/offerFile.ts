import * as z from 'zod/mini';
import { describeIssues } from '../../shared/describeIssues.ts';
import { PricingError } from '../errors.ts';

/*
 * An offer file of AWS's Price List Bulk API, in JSON: products with attributes by SKU, and for each SKU the bands of its on-demand
 * price. What it means is documented in
 * https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
 */

/** The lists that one book is made of. */
export const OFFER_CODES = ['AmazonS3', 'AmazonS3GlacierDeepArchive', 'AWSDataTransfer'] as const;
export type OfferCode = (typeof OFFER_CODES)[number];

/** Regional lists of these offers take about half a megabyte. */
export const MOST_LIST_BYTES = 16 * 1024 * 1024;
const MOST_PRODUCTS = 50_000;
const MOST_BANDS = 16;

const text = z.string().check(z.maxLength(200));

const Offer = z.object({
  formatVersion: z.literal('v1.0'),
  offerCode: z.enum(OFFER_CODES),
  publicationDate: z.iso.datetime(),
  products: z.record(z.string(), z.unknown()),
  terms: z.object({ OnDemand: z.record(z.string(), z.unknown()) }),
});

const Product = z.object({ attributes: z.record(z.string(), z.unknown()) });

const Terms = z.record(
  z.string(),
  z.object({
    priceDimensions: z.record(
      z.string(),
      z.object({
        unit: text,
        beginRange: text.check(z.regex(/^\d{1,15}$/)),
        endRange: text.check(z.regex(/^(?:\d{1,15}|Inf)$/)),
        pricePerUnit: z.object({ USD: text.check(z.regex(/^\d{1,9}(?:\.\d{1,15})?(?:E-\d{1,2})?$/)) }),
      }),
    ),
  }),
);

/** One step of a price: what a unit costs from `begin` units a month on. */
export interface Band {
  readonly begin: number;
  readonly usd: number;
}

/** What tells one product from all others of its list; every attribute that is named must be exactly so, and '' is none at all. */
export interface Wanted {
  /** Without the abbreviation of the region that stands before it, such as `EUC1-`. */
  readonly usagetype: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly units: readonly string[];
}

interface Listed {
  readonly sku: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A list whose products can be asked for by what they are. */
export interface OfferFile {
  readonly code: OfferCode;
  /** When AWS published it. */
  readonly publishedAt: string;
  readonly products: readonly Listed[];
  readonly onDemand: ReadonlyMap<string, unknown>;
}

/** Reads a list. @throws PricingError `invalid-list` for anything else, and for one that is larger than any of these lists is. */
export function parseOfferFile(json: string): OfferFile {
  if (json.length > MOST_LIST_BYTES) throw invalid(`it has more than ${MOST_LIST_BYTES} characters`);
  const parsed = Offer.safeParse(parseJson(json));
  if (!parsed.success) throw invalid(`it is not as documented: ${describeIssues(parsed.error.issues)}`);
  const { offerCode, publicationDate, products, terms } = parsed.data;
  const entries = Object.entries(products);
  if (entries.length > MOST_PRODUCTS) throw invalid(`it has more than ${MOST_PRODUCTS} products`);
  return {
    code: offerCode,
    publishedAt: publicationDate,
    products: entries.map(([sku, product]) => ({ sku, attributes: attributesOf(sku, product) })),
    onDemand: new Map(Object.entries(terms.OnDemand)),
  };
}

/**
 * The bands of a product's price, ascending from 0 and without a gap. Several products may answer if they cost the same.
 * @throws PricingError `missing-price` where none does, `invalid-list` where they differ or a price makes no sense
 */
export function priceOf(file: OfferFile, prefix: string, wanted: Wanted): readonly Band[] {
  const name = `${file.code} ${nameOf(prefix, wanted)}`;
  const [first, ...others] = file.products
    .filter(({ attributes }) => isWanted(attributes, prefix, wanted))
    .map(({ sku }) => bandsOf(file, sku, wanted.units, name));
  if (first === undefined) {
    throw new PricingError({
      code: 'missing-price',
      message: `The price list has no ${name}. No book was made: a price that is not known is never zero.`,
      retryable: false,
    });
  }
  const same = JSON.stringify(first);
  if (others.some((bands) => JSON.stringify(bands) !== same)) throw invalid(`several prices answer for ${name}`);
  return first;
}

export function hasProduct(file: OfferFile, prefix: string, wanted: Wanted): boolean {
  return file.products.some(({ attributes }) => isWanted(attributes, prefix, wanted));
}

function isWanted(attributes: Listed['attributes'], prefix: string, wanted: Wanted): boolean {
  return (
    attributes['usagetype'] === prefix + wanted.usagetype &&
    Object.entries(wanted.attributes).every(([name, value]) => (attributes[name] ?? '') === value)
  );
}

function bandsOf(file: OfferFile, sku: string, units: readonly string[], name: string): readonly Band[] {
  const terms = Terms.safeParse(file.onDemand.get(sku));
  if (!terms.success) throw invalid(`the price of ${name} is not as documented`);
  const dimensions = Object.values(terms.data).flatMap((term) => Object.values(term.priceDimensions));
  if (dimensions.length === 0 || dimensions.length > MOST_BANDS)
    throw invalid(`${name} has ${dimensions.length} prices`);
  const odd = dimensions.find((dimension) => !units.includes(dimension.unit));
  if (odd !== undefined) throw invalid(`${name} is priced by ${odd.unit}, not by ${units.join(' or ')}`);
  const bands = dimensions
    .map(({ beginRange, endRange, pricePerUnit }) => ({
      begin: Number(beginRange),
      end: endRange === 'Inf' ? Number.POSITIVE_INFINITY : Number(endRange),
      usd: Number(pricePerUnit.USD),
    }))
    .toSorted((a, b) => a.begin - b.begin);
  const whole = bands.every(({ begin }, at) => begin === (at === 0 ? 0 : bands[at - 1]?.end));
  if (!whole || bands.at(-1)?.end !== Number.POSITIVE_INFINITY) throw invalid(`the steps of ${name} leave a gap`);
  return bands.map(({ begin, usd }) => ({ begin, usd }));
}

/** Lists hold attributes of many kinds; those that matter here are texts. */
function attributesOf(sku: string, product: unknown): Listed['attributes'] {
  const parsed = Product.safeParse(product);
  if (!parsed.success) throw invalid(`the product ${sku.slice(0, 40)} has no attributes`);
  const texts = Object.entries(parsed.data.attributes).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(texts);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw invalid('it is not JSON', error);
  }
}

function nameOf(prefix: string, { usagetype, attributes }: Wanted): string {
  const more = Object.entries(attributes).map(([name, value]) => `${name} ${value === '' ? 'none' : value}`);
  return [`usagetype ${prefix}${usagetype}`, ...more].join(', ');
}

export function invalid(what: string, cause?: unknown): PricingError {
  return new PricingError({
    code: 'invalid-list',
    message: `The price list cannot be used: ${what}. Prices stay as they are; see docs/prices.md.`,
    retryable: false,
    cause,
  });
}
