import { describe, expect, it } from 'vitest';
import { parseDecidingBook, pricedClasses, combinePriceBooks, shippedPriceBook } from '../../../lib/pricing/index.ts';
import { onDisk, ownDisk } from '../../support/ownBooks.ts';

const refusal = (json: unknown): string => {
  try {
    parseDecidingBook(json);
  } catch (error) {
    return String(error);
  }
  return 'taken';
};
const shipped = (id: string): Record<string, unknown> =>
  JSON.parse(JSON.stringify(shippedPriceBook().books.find((book) => book.id === id)));
const standard = (over: Record<string, unknown>) => ownDisk({ storage: { STANDARD: { ...onDisk(0.008), ...over } } });

describe('a book that may decide', () => {
  it('prices STANDARD alone, or whatever else the store sells', () => {
    expect(pricedClasses(combinePriceBooks(parseDecidingBook(ownDisk())))).toEqual(['STANDARD']);
    expect(refusal(shipped('cloudflare/r2'))).toBe('taken');
    expect(refusal({ ...shipped('aws/us-east-1'), id: 'own/aws' })).toBe('taken');
  });

  it.each([
    ['a negative price', standard({ usdPerGbMonth: -0.008 }), 'storage.STANDARD.usdPerGbMonth'],
    ['no number', standard({ usdPerGbMonth: Number.NaN }), 'storage.STANDARD.usdPerGbMonth'],
    ['what JSON makes of NaN', standard({ usdPerGbMonth: null }), 'storage.STANDARD.usdPerGbMonth'],
    ['more than a number holds', JSON.parse(JSON.stringify(standard({})).replace('0.008', '1e999')), 'usdPerGbMonth'],
    ['a text', standard({ usdPerGbMonth: '0.008' }), 'storage.STANDARD.usdPerGbMonth'],
    ['a negative fee', standard({ retrieval: { instant: { usdPerGb: -1 } } }), 'retrieval.instant.usdPerGb'],
    ['half a day', standard({ minimumDays: 0.5 }), 'storage.STANDARD.minimumDays'],
    ['storage for nothing', standard({ usdPerGbMonth: 0 }), 'STANDARD costs nothing to store'],
    ['no STANDARD', ownDisk({ storage: {} }), 'it prices no STANDARD'],
    ['STANDARD behind a restore', standard({ retrieval: { bulk: { usdPerGb: 0 } } }), 'STANDARD is read at once'],
    ['STANDARD that nobody can read', standard({ retrieval: {} }), 'STANDARD is read at once'],
    [
      'an archive that is read at once',
      ownDisk({ storage: { STANDARD: onDisk(0.008), GLACIER: onDisk(0.001) } }),
      'GLACIER is an archive',
    ],
    [
      'a class of a price that is not there',
      ownDisk({ classes: { STANDARD_IA: 'COLD' } }),
      'has a storage class of a price',
    ],
    ['no such class', ownDisk({ classes: { ONEZONE_IA: 'STANDARD' } }), 'classes'],
    ['the id of a region, whose prices come from lists', ownDisk({ id: 'aws/eu-central-1' }), 'such as own/disks'],
    ['the book of the region itself', shipped('aws/us-east-1'), 'such as own/disks'],
    ['other prices than ship under its id', ownDisk({ id: 'cloudflare/r2' }), 'such as own/disks'],
    ['another day than ships', { ...shipped('cloudflare/r2'), asOf: '2027-01-01' }, 'such as own/disks'],
    ['no book', [], 'The price book is not valid'],
  ])('is refused with %s', (_what, json, why) => {
    expect(refusal(json)).toContain(why);
  });
});
