import { assert, constantFrom, json, jsonValue, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bookFromOffers,
  diffPrices,
  offerPath,
  type OfferCode,
  parseOfferFile,
  type PriceBookFile,
  PricingError,
  shippedPriceBook,
} from '../../../lib/pricing/index.ts';
import { OFFERS, offersOf } from './offers.ts';

interface Dimension {
  unit: string;
  endRange: string;
  pricePerUnit: Record<string, string>;
}
interface List {
  offerCode: string;
  products: Record<string, { sku: string; attributes: Record<string, string> }>;
  terms: { OnDemand: Record<string, Record<string, { priceDimensions: Record<string, Dimension> }>> };
}
const listOf = (json: string) => JSON.parse(json) as List;

const shipped = shippedPriceBook().books[0]!;

function bookOf(offers: Readonly<Record<OfferCode, string>> = OFFERS, region = 'us-east-1'): PriceBookFile {
  return bookFromOffers(shipped, region, '2026-11-21', Object.values(offers).map(parseOfferFile));
}

/** The lists with one of them changed as JSON. */
function changed(code: OfferCode, change: (list: List) => void): Readonly<Record<OfferCode, string>> {
  const list = listOf(OFFERS[code]);
  change(list);
  return { ...OFFERS, [code]: JSON.stringify(list) };
}

function skuOf(list: List, usagetype: string, operation = ''): string {
  const found = Object.values(list.products).find(
    ({ attributes }) => attributes['usagetype'] === usagetype && attributes['operation'] === operation,
  );
  expect(found, usagetype).toBeDefined();
  return found!.sku;
}

const termIn = (list: List, sku: string) => Object.values(list.terms.OnDemand[sku]!)[0]!;
const priceIn = (list: List, sku: string) => Object.values(termIn(list, sku).priceDimensions)[0]!;

describe('a book made from price lists', () => {
  it('has the very prices of the shipped book of us-east-1, and everything else of it', () => {
    const book = bookOf();
    expect(diffPrices(shipped, book)).toEqual([]);
    for (const [name, price] of Object.entries(shipped.storage)) {
      expect({ ...book.storage[name], source: '' }, name).toEqual({ ...price, source: '' });
    }
    expect(book).toMatchObject({ id: 'aws/us-east-1', asOf: '2026-11-21', gbBytes: 2 ** 30 });
  });

  it('says of each price where it was read and when, also of those that no list holds', () => {
    const { sources, gpus } = bookOf();
    expect(sources['list-s3']).toEqual({
      url: 'https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonS3/current/us-east-1/index.json',
      note: 'Storage, requests and retrieval: AWS Price List, published 2026-11-18.',
    });
    expect(sources[gpus['H100']!.source]?.asOf).toBe('2026-11-20');
  });

  it('reads another region by the abbreviation that its usage types begin with, and leaves out what is not known there', () => {
    const book = bookOf(offersOf('eu-central-1', 'EUC1-'), 'eu-central-1');
    expect(book.id).toBe('aws/eu-central-1');
    expect(book.storage['DEEP_ARCHIVE']?.usdPerGbMonth).toBe(0.00099);
    expect([book.gpus, book.workers, Object.keys(book.transfer).toSorted()]).toEqual([
      {},
      {},
      ['internet', 'same-region'],
    ]);
  });

  it('leaves Express One Zone out where it is not sold', () => {
    const offers = changed('AmazonS3', (list) => delete list.products[skuOf(list, 'TimedStorage-XZ-ByteHrs')]);
    expect(Object.keys(bookOf(offers).storage)).not.toContain('EXPRESS_ONEZONE');
  });

  it('names every price that it needs and the lists lack, whichever that is', () => {
    const needed = new Set<string>();
    for (const code of ['AmazonS3', 'AmazonS3GlacierDeepArchive', 'AWSDataTransfer'] as const) {
      for (const { sku, attributes } of Object.values(listOf(OFFERS[code]).products)) {
        try {
          bookOf(changed(code, (list) => delete list.products[sku]));
        } catch (error) {
          expect(error).toBeInstanceOf(PricingError);
          if (attributes['usagetype'] !== 'TimedStorage-ByteHrs') {
            expect(error).toMatchObject({
              code: 'missing-price',
              message: expect.stringContaining(attributes['usagetype']!),
            });
          }
          needed.add(`${attributes['usagetype']} ${attributes['operation']}`);
        }
      }
    }
    // Not needed are 13 that look alike or are not ours, and the storage of Express, without which it is left out as a whole.
    expect(needed.size).toBe(48);
  });

  it.each<[string, OfferCode, (list: List) => void, string]>([
    [
      'two prices for one thing',
      'AmazonS3',
      (list) => {
        const sku = skuOf(list, 'Requests-Tier1');
        list.products['TWIN'] = { ...list.products[sku]!, sku: 'TWIN' };
        list.terms.OnDemand['TWIN'] = structuredClone(list.terms.OnDemand[sku]!);
        priceIn(list, 'TWIN').pricePerUnit['USD'] = '0.0000090000';
      },
      'several prices',
    ],
    [
      'another unit',
      'AmazonS3',
      (list) => {
        priceIn(list, skuOf(list, 'Retrieval-SIA')).unit = 'MB';
      },
      'priced by MB',
    ],
    [
      'a gap between steps',
      'AmazonS3',
      (list) => {
        priceIn(list, skuOf(list, 'TimedStorage-ByteHrs')).endRange = '100';
      },
      'gap',
    ],
    [
      'a negative price',
      'AmazonS3',
      (list) => {
        priceIn(list, skuOf(list, 'Retrieval-SIA')).pricePerUnit['USD'] = '-0.01';
      },
      'not as documented',
    ],
    [
      'a price in words',
      'AmazonS3',
      (list) => {
        priceIn(list, skuOf(list, 'Retrieval-SIA')).pricePerUnit['USD'] = 'free';
      },
      'not as documented',
    ],
    [
      'no price at all',
      'AmazonS3',
      (list) => {
        delete list.terms.OnDemand[skuOf(list, 'Retrieval-SIA')];
      },
      'not as documented',
    ],
    [
      'another currency alone',
      'AmazonS3',
      (list) => {
        priceIn(list, skuOf(list, 'Retrieval-SIA')).pricePerUnit = { CNY: '0.1' };
      },
      'not as documented',
    ],
    [
      'volume steps where a book has none',
      'AmazonS3',
      (list) => {
        const sku = skuOf(list, 'Retrieval-SIA');
        const term = termIn(list, sku);
        const whole = Object.values(term.priceDimensions)[0]!;
        term.priceDimensions = { a: { ...whole, endRange: '100' }, b: { ...whole, beginRange: '100' } as Dimension };
      },
      'volume steps',
    ],
    [
      'another offer',
      'AmazonS3',
      (list) => {
        list.offerCode = 'AmazonEC2';
      },
      'offerCode',
    ],
    [
      'another region',
      'AmazonS3',
      (list) => {
        for (const product of Object.values(list.products)) product.attributes['regionCode'] = 'sa-east-1';
      },
      'sa-east-1',
    ],
    [
      'two kinds of S3 Standard',
      'AmazonS3',
      (list) => {
        const sku = skuOf(list, 'TimedStorage-ByteHrs');
        list.products['TWIN'] = list.products[sku]!;
      },
      '2 products',
    ],
    [
      'bytes to the internet for nothing',
      'AWSDataTransfer',
      (list) => {
        const sku = skuOf(list, 'DataTransfer-Out-Bytes');
        for (const dimension of Object.values(termIn(list, sku).priceDimensions)) dimension.pricePerUnit['USD'] = '0.0';
      },
      'cost nothing',
    ],
  ])('refuses %s', (_what, code, change, message) => {
    expect(() => bookOf(changed(code, change))).toThrow(
      expect.objectContaining({ code: 'invalid-list', message: expect.stringContaining(message) }),
    );
  });

  it('needs one list of each offer', () => {
    const files = Object.values(OFFERS).map(parseOfferFile);
    for (const given of [files.slice(1), [...files, ...files.slice(0, 1)], []]) {
      expect(() => bookFromOffers(shipped, 'us-east-1', '2026-11-21', given)).toThrow('one list each');
    }
  });

  it('refuses what is no list, however large or deep, with nothing but its own error', () => {
    const hostile = [
      '',
      'null',
      '[]',
      '{"formatVersion":"v1.0"}',
      '['.repeat(200_000),
      '{"a":'.repeat(100_000),
      '{"__proto__":{"x":1}}',
      ' '.repeat(16 * 1024 * 1024 + 1),
    ];
    for (const text of hostile) expect(() => parseOfferFile(text)).toThrow(PricingError);
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false);
    assert(
      property(json(), (text) => {
        expect(() => parseOfferFile(text)).toThrow(PricingError);
      }),
    );
  });

  it('survives any value in place of any part of a list', () => {
    const parts: (readonly string[])[] = [];
    const walk = (value: unknown, path: readonly string[]): void => {
      if (path.length > 0) parts.push(path);
      if (value !== null && typeof value === 'object')
        for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
    };
    walk(JSON.parse(OFFERS.AmazonS3GlacierDeepArchive), []);
    assert(
      property(constantFrom(...parts), jsonValue(), (path, value) => {
        const offers = changed('AmazonS3GlacierDeepArchive', (list) => {
          const parent = path
            .slice(0, -1)
            .reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], list);
          (parent as Record<string, unknown>)[path.at(-1)!] = value;
        });
        try {
          bookOf(offers);
        } catch (error) {
          expect(error).toBeInstanceOf(PricingError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('makes a path only of a region', () => {
    expect(offerPath('AmazonS3', 'us-gov-west-1')).toBe('/offers/v1.0/aws/AmazonS3/current/us-gov-west-1/index.json');
    for (const region of ['local', '../../x', 'us-east-1/..', 'us-east-1?x=1', '', 'US-EAST-1', 'us-east-1\n']) {
      expect(() => offerPath('AmazonS3', region), region).toThrow('no region');
    }
  });
});
