import { describe, expect, it } from 'vitest';
import { changePercent, decideRefresh, type PriceBookFile, shippedPriceBook } from '../../../lib/pricing/index.ts';

const inForce = shippedPriceBook().books[0]!;

function fresh(change: (book: PriceBookFile) => void, asOf = '2026-11-28'): PriceBookFile {
  const book = structuredClone(inForce);
  book.asOf = asOf;
  change(book);
  return book;
}

const standardTo = (usd: number) => (book: PriceBookFile) => {
  book.storage['STANDARD']!.usdPerGbMonth = usd;
};

describe('a fresh book', () => {
  it.each<[string, PriceBookFile, string, string, number]>([
    ['the same prices', fresh(() => undefined), 'keep', 'unchanged', 0],
    ['another price', fresh(standardTo(0.024)), 'take', 'changed', 0],
    ['a price that is three times the old one', fresh(standardTo(0.069)), 'take', 'changed', 0],
    ['a price that is more than that', fresh(standardTo(0.0691)), 'report', 'beyond-bound', 1],
    ['a price below a third', fresh(standardTo(0.0076)), 'report', 'beyond-bound', 1],
    ['a price that became nothing', fresh(standardTo(0)), 'report', 'beyond-bound', 1],
    [
      'a price that was nothing',
      fresh((book) => {
        book.storage['GLACIER']!.retrieval.bulk!.usdPerGb = 0.01;
      }),
      'report',
      'beyond-bound',
      1,
    ],
    [
      'requests that cost nothing before',
      fresh((book) => {
        book.storage['GLACIER']!.retrieval.bulk!.usdPer1000 = 900;
      }),
      'report',
      'beyond-bound',
      1,
    ],
    [
      'uploads that cost nothing any more',
      fresh((book) => {
        book.storage['EXPRESS_ONEZONE']!.uploadUsdPerGb = 0;
      }),
      'report',
      'beyond-bound',
      1,
    ],
    [
      'one more volume step of a class that is in force',
      fresh((book) => {
        book.storage['STANDARD_IA']!.volumeSteps = [{ aboveGb: 1, usdPerGbMonth: 900 }];
      }),
      'report',
      'beyond-bound',
      1,
    ],
    [
      'a class more',
      fresh((book) => {
        book.storage['NEW'] = { ...book.storage['STANDARD']! };
      }),
      'take',
      'changed',
      0,
    ],
    [
      'a price less',
      fresh((book) => {
        delete book.gpus['L4'];
      }),
      'report',
      'beyond-bound',
      1,
    ],
    [
      'a price more',
      fresh((book) => {
        book.gpus['B200'] = { source: 'ec2', usdPerHour: 14 };
      }),
      'take',
      'changed',
      0,
    ],
    ['other prices on the date of the book in force', fresh(standardTo(0.024), inForce.asOf), 'keep', 'same-date', 0],
    ['prices beyond the bound on that date', fresh(standardTo(1), inForce.asOf), 'report', 'beyond-bound', 1],
  ])('with %s', (_what, book, action, reason, beyond) => {
    const decision = decideRefresh(inForce, book);
    expect([decision.action, decision.reason, decision.beyond.length]).toEqual([action, reason, beyond]);
  });

  it('of another region is measured by what both books have, and taken even where nothing differs', () => {
    const other = (change: (book: PriceBookFile) => void) =>
      fresh((book) => {
        book.id = 'aws/sa-east-1';
        book.gpus = {};
        change(book);
      });
    expect(
      decideRefresh(
        inForce,
        other(() => undefined),
      ),
    ).toMatchObject({ action: 'take', changes: [] });
    expect(decideRefresh(inForce, other(standardTo(0.0405)))).toMatchObject({ action: 'take', beyond: [] });
    expect(decideRefresh(inForce, other(standardTo(0.1)))).toMatchObject({ action: 'report' });
  });

  it('tells by how many per cent a price changed, where there is something to compare', () => {
    const change = { item: 'x', per: 'GB' };
    expect(changePercent({ ...change, before: 0.02, after: 0.025 })).toBeCloseTo(25);
    expect(changePercent({ ...change, before: 0, after: 1 })).toBeUndefined();
    expect(changePercent({ ...change, before: undefined, after: 1 })).toBeUndefined();
  });
});
