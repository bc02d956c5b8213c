import { describe, expect, it } from 'vitest';
import { type CostDimension, CostReport, StoredObject } from '../../../lib/costs/index.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';

const NOW = Date.UTC(2026, 10, 20);
const NONE = { requestUsd: 0, retrievalUsd: 0, liabilityUsd: 0 };
const STANDARD = {
  kind: 'origin',
  tier: 'STANDARD',
  region: 'eu-west-1',
  bytes: 1_000_000_000,
  storageUsd: 0.3,
  ...NONE,
};
const BOUND = {
  ...STANDARD,
  tier: 'GLACIER_IR',
  storageUsd: 0.1,
  requestUsd: 0.02,
  retrievalUsd: 0.05,
  liabilityUsd: 0.4,
};
const HOST = { kind: 'host', tier: 'nvme', host: 'gpu-1', bytes: 1_000_000_000, storageUsd: 14.6, ...NONE };

const OBJECTS = [
  { name: 'a', models: ['flux', 'wan'], copies: [STANDARD, HOST] },
  { name: 'b', models: ['flux'], copies: [{ ...BOUND, freeAt: NOW + 9 * DAY_MS }] },
  { name: 'c', models: ['flux'], copies: [{ ...BOUND, freeAt: NOW + 4 * DAY_MS }] },
  { name: 'uploads/x', models: [], copies: [{ ...STANDARD, region: undefined, kind: 'refused' }] },
].map((one) => StoredObject.parse({ bytes: 1_000_000_000, references: 1, reads: 0, ...one }));

function reportBy(dimension: CostDimension): CostReport {
  const report = new CostReport(dimension);
  for (const object of OBJECTS) report.add(object);
  return report;
}

const groups = (dimension: CostDimension) =>
  Object.fromEntries(
    reportBy(dimension)
      .lines()
      .map(({ group, usdPerMonth }) => [group, +usdPerMonth.toFixed(9)]),
  );

describe('the report of costs', () => {
  it.each([
    ['class', { nvme: 14.6, STANDARD: 0.6, GLACIER_IR: 0.34 }],
    ['service', { 'host nvme': 14.6, s3: 0.94 }],
    ['model', { flux: 7.79, wan: 7.45, '(no model)': 0.3 }],
    ['region', { '(hosts)': 14.6, 'eu-west-1': 0.64, '(uploads)': 0.3 }],
    ['host', { 'gpu-1': 14.6, '(bucket)': 0.94 }],
    ['kind', { host: 14.6, origin: 0.64, refused: 0.3 }],
  ] as const)('by %s adds up to the whole', (dimension, expected) => {
    expect(groups(dimension)).toEqual(expected);
    const whole = reportBy(dimension).total();
    expect(whole.usdPerMonth).toBeCloseTo(15.54, 9);
    const sum = reportBy(dimension)
      .lines()
      .reduce((usd, line) => usd + line.usdPerMonth, 0);
    expect(sum).toBeCloseTo(15.54, 9);
  });

  it('has the dearest group first, an hour and a gigabyte', () => {
    const [first] = reportBy('class').lines();
    expect(first).toMatchObject({ group: 'nvme', copies: 1, bytes: 1_000_000_000 });
    expect(first?.usdPerHour).toBeCloseTo(0.02, 12);
    expect(first?.usdPerGbMonth).toBeCloseTo(14.6, 12);
  });

  it('keeps the ledger of minimum durations apart from the month', () => {
    const line = reportBy('class')
      .lines()
      .find(({ group }) => group === 'GLACIER_IR');
    expect(line).toMatchObject({ boundCopies: 2, firstFreeAt: NOW + 4 * DAY_MS });
    expect(line?.liabilityUsd).toBeCloseTo(0.8, 12);
    expect(reportBy('class').lines()[0]).toMatchObject({ boundCopies: 0, liabilityUsd: 0 });
  });
});
