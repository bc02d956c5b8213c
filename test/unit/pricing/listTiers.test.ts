import { afterEach, describe, expect, it, vi } from 'vitest';
import { registerTiers } from '../../../cli/commands/tiers.ts';
import {
  combinePriceBooks,
  listTiers,
  parsePriceBook,
  PricingError,
  shippedPriceBook,
} from '../../../lib/pricing/index.ts';
import { useCommands } from '../../support/commands.ts';

afterEach(() => vi.unstubAllEnvs());

const shipped = shippedPriceBook();
const reference = shipped.books.find(({ id }) => id === 'reference')!;
const { file, records, strata } = useCommands(registerTiers);

/** The reference book with another tier. */
const withTier = (tier: object): unknown => ({
  ...reference,
  id: 'own',
  tiers: { rack: { source: 'reference', accessMs: 20, price: { hostTier: 'nvme' }, mechanism: 'disks', ...tier } },
});

describe('the tiers that ship', () => {
  it.each([
    ['gpu', { per: 'device', fromGb: 24, toGb: 80, orMore: true }, 1, 0.5, 'GB-hour'],
    ['ram', { per: 'host', fromGb: 128, toGb: 512, orMore: false }, 10, 0.1, 'GB-hour'],
    ['nvme', { per: 'host', fromGb: 2000, toGb: 8000, orMore: false }, 50, 0.02, 'GB-hour'],
    ['ssd', { per: 'host', fromGb: 10_000, toGb: 50_000, orMore: false }, 100, 0.01, 'GB-hour'],
    ['minio', undefined, 500, 0.005, 'GB-month'],
    ['s3', undefined, 1000, 0.023, 'GB-month'],
    ['archive', undefined, 43_200_000, 0.001, 'GB-month'],
  ])('%s: capacity, access and price of the reference book', (tier, capacity, accessMs, usd, per) => {
    const line = listTiers(shipped).find((one) => one.tier === tier);
    expect(line).toMatchObject({ accessMs, price: { usd, per, book: 'reference@2026-11-20' } });
    expect(line?.capacity).toEqual(capacity);
  });

  it('stand in the order of their access, and say what decisions are charged', () => {
    const lines = listTiers(shipped);
    expect(lines.map(({ tier }) => tier)).toEqual(['gpu', 'ram', 'nvme', 'ssd', 'minio', 'r2', 's3', 'archive']);
    expect(lines.at(-1)?.inForce).toMatchObject({ usd: 0.00099, book: 'aws/us-east-1@2026-11-20' });
    expect(lines[0]?.price.usdPerGbMonth).toBe(365);
  });

  it('declare what a store lacks: R2 archives in S3', () => {
    const r2 = listTiers(shipped).find(({ tier }) => tier === 'r2');
    expect(r2).toMatchObject({ lacks: ['archive', 'versions', 'batch-jobs'], archiveIn: 'DEEP_ARCHIVE' });
    const alone = shipped.books.filter(({ provider }) => provider === 'cloudflare');
    expect(() => listTiers(combinePriceBooks(...alone))).toThrow(PricingError);
  });
});

describe('a tier of a book', () => {
  it.each([
    ['a price that the book does not hold', { price: { storageClass: 'TAPE' } }, 'has a tier of a price that the book'],
    ['a source that it does not list', { source: 'hearsay' }, 'has a price of a source that the book does not list'],
    ['a capacity that ends before it begins', { capacity: { per: 'host', fromGb: 2, toGb: 1 } }, 'must not end below'],
    ['an access time of nothing', { accessMs: 0 }, '"tiers.rack.accessMs" must be more than 0'],
    ['a capability that nobody knows', { lacks: ['speed'] }, '"tiers.rack.lacks.0" must be one of "archive"'],
  ])('is refused with %s', (_, tier, message) => {
    expect(() => parsePriceBook(withTier(tier))).toThrow(message);
  });
});

describe('strata tiers', () => {
  it('prints each tier with its capacity, access, price and mechanism', async () => {
    const text = await strata('tiers');
    expect(text).toMatch(/^gpu +24–80\+ GB a device +within 1 ms +\$0\.5 per GB-hour .* memory of one GPU/m);
    expect(text).toMatch(/^ssd +10–50 TB a host +within 100 ms +\$0\.01 per GB-hour/m);
    expect(text).toMatch(/^r2 .* archive, versions, batch-jobs \(archives in DEEP_ARCHIVE\)/m);
    expect(text).toMatch(/^archive +as paid for +within 12 h +\$0\.001 per GB-month +\$0\.00099 per GB-month \(aws/m);
  });

  it('takes tiers and prices of a book of your own', async () => {
    const own = await file('own.json', JSON.stringify(withTier({})));
    const tiers = await records('tiers', '--prices', own);
    expect(tiers.map(({ tier }) => tier)).toContain('rack');
    expect(tiers.find(({ tier }) => tier === 'nvme')).toMatchObject({ inForce: { book: 'own@2026-11-20' } });
  });

  it('lists a tier that a book of your own redefines once, as that book has it', async () => {
    const nvme = { ...reference.tiers!['nvme']!, accessMs: 70 };
    const own = await file('own.json', JSON.stringify({ ...reference, id: 'own', tiers: { nvme } }));
    const named = (await records('tiers', '--prices', own)).filter(({ tier }) => tier === 'nvme');
    expect(named).toEqual([expect.objectContaining({ accessMs: 70 })]);
  });

  it('falls back to the shipped books where only the environment names a plane, and it does not run', async () => {
    vi.stubEnv('STRATA_DATA', '/nowhere');
    expect((await records('tiers')).map(({ tier }) => tier)).toContain('nvme');
    await expect(strata('tiers', '--data', '/nowhere')).rejects.toMatchObject({ code: 'no-plane' });
  });
});
