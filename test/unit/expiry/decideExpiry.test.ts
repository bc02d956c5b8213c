import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideExpiry, type ExpiryFacts } from '../../../lib/expiry/index.ts';
import { compileRates, LIFECYCLE_RULES } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { Digest, HostId, ModelName, SemVer } from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs, GIB, HOUR_MS } from '../../../lib/shared/units.ts';

const rates = compileRates(shippedPriceBook());
const NOW = EpochMs.parse(Date.UTC(2026, 10, 20));
const daysAgo = (days: number): EpochMs => EpochMs.parse(NOW - days * DAY_MS);

type File = ExpiryFacts['own'][number];

const file = (over: Partial<File> = {}): File => ({
  digest: Digest.parse('a'.repeat(64)),
  bytes: Bytes.parse(100 * GIB),
  storageClass: 'STANDARD',
  createdAt: daysAgo(400),
  transitionedAt: daysAgo(400),
  accesses: 0,
  hosts: 0,
  ...over,
});

const facts = (over: Partial<ExpiryFacts> = {}): ExpiryFacts => ({
  model: ModelName.parse('flux'),
  version: SemVer.parse('1.0.0'),
  publishedAt: daysAgo(400),
  aliases: [],
  pinnedOn: [],
  newest: false,
  own: [file()],
  ...over,
});

const decide = (given: ExpiryFacts) => decideExpiry(given, LIFECYCLE_RULES, rates, NOW);

describe('the expiry of a version', () => {
  it('tells what it frees, saves each month and pays once', () => {
    const cold = file({ storageClass: 'GLACIER_IR', transitionedAt: daysAgo(60) });
    expect(decide(facts({ own: [file(), cold] }))).toEqual({
      action: 'expire',
      reason: 'abandoned',
      risk: 'low',
      bytes: 200 * GIB,
      // 100 GiB, which S3 bills as GB, at $0.023 and at $0.004 a month; 30 of 90 days of the latter are left to be paid.
      usdPerMonth: expect.closeTo(2.7, 6),
      earlyDeletionUsd: expect.closeTo((0.4 * 30 * 24) / 730, 6),
    });
  });

  it.each<[string, Partial<ExpiryFacts>]>([
    ['held', { hold: { reason: 'a case', since: daysAgo(1) } }],
    ['retained', { retainUntil: EpochMs.parse(NOW + HOUR_MS) }],
    ['retained', { retainUntil: EpochMs.parse(NOW - HOUR_MS) }],
    ['aliased', { aliases: ['prod'] }],
    ['pinned', { pinnedOn: [HostId.parse('gpu-a')] }],
    ['newest', { newest: true }],
    ['promised', { readsPerDay: 0.01 }],
    ['shared', { own: [] }],
    ['on-hosts', { own: [file(), file({ hosts: 1 })] }],
    ['still-read', { own: [file(), file({ lastAccessAt: daysAgo(90) })] }],
    ['still-read', { own: [file(), file({ accesses: 4, lastAccessAt: daysAgo(91) })] }],
    ['still-read', { publishedAt: daysAgo(90) }],
    ['still-read', { undoneAt: daysAgo(90) }],
    ['still-read', { own: [file({ awaited: true })] }],
    ['still-read', { own: [file({ transitionedAt: EpochMs.parse(NOW - HOUR_MS) })] }],
  ])('is refused as %s: %j', (reason, over) => {
    expect(decide(facts(over))).toEqual({ action: 'keep', reason });
  });

  it.each<[string, Partial<ExpiryFacts>]>([
    ['a day after the last promise', { retainUntil: daysAgo(1) }],
    ['where nearly no reads are known', { readsPerDay: 0.009 }],
    ['91 days after it was brought back', { undoneAt: daysAgo(91) }],
  ])('is allowed %s', (_name, over) => {
    expect(decide(facts(over)).action).toBe('expire');
  });

  it('never happens within the idle time of the rules after any of its events', () => {
    const event = fc.constantFrom('publishedAt', 'undoneAt', 'createdAt', 'lastAccessAt');
    fc.assert(
      fc.property(event, fc.integer({ min: 0, max: 90 }), (name, days) => {
        const at = { [name]: daysAgo(days) };
        const own = ['createdAt', 'lastAccessAt'].includes(name) ? facts({ own: [file(at)] }) : facts(at);
        expect(decide(own).action).toBe('keep');
      }),
    );
  });
});
