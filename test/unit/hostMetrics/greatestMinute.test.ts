import { expect, it } from 'vitest';
import { HostMetrics } from '../../../events/host-heartbeat/metrics.ts';
import { expectationOf, HostMetricsRow } from '../../../lib/catalog/index.ts';
import { HostMetricsValue } from '../../../lib/catalog/rows/hostMetrics.ts';

/** DynamoDB's limit of an item. */
const ITEM_BYTES = 400 * 1024;
/** With an exponent it takes 23 bytes. */
const SHARE = 1e-300 / 7;
const AMOUNT = Number.MAX_VALUE;
const COUNT = Number.MAX_SAFE_INTEGER;
/** Escaped in JSON, each character of it takes six bytes. */
const NAME = '\u0001'.repeat(64);

const quantiles = { count: COUNT, p50: AMOUNT, p95: AMOUNT };
const times = <T>(count: number, one: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => one(index));
const tier = { opens: COUNT, servedBytes: COUNT, writtenBytes: COUNT, evictions: COUNT, evictedBytes: COUNT };
const moved = { movesIn: COUNT, movedInBytes: COUNT, scrubbedBytes: COUNT };
const loads = (model: { model?: string }) => ({ ...model, source: 'origin', ms: quantiles });

/** A minute with as much of everything as the contract lets pass. */
const greatest = (codes: number) => ({
  windowSeconds: 86_399.999_999_99,
  cpu: { busy: SHARE, iowait: SHARE, stolen: SHARE, processors: COUNT },
  memory: { totalBytes: COUNT, availableBytes: COUNT, limitBytes: COUNT },
  pressure: { cpu: SHARE, io: SHARE, memory: SHARE },
  network: {
    receivedBytesPerSecond: AMOUNT,
    sentBytesPerSecond: AMOUNT,
    bytesPerSecondLimit: AMOUNT,
    errors: COUNT,
    dropped: COUNT,
  },
  disks: times(32, () => ({
    volume: 'v'.repeat(20),
    readBytesPerSecond: AMOUNT,
    writtenBytesPerSecond: AMOUNT,
    readsPerSecond: AMOUNT,
    writesPerSecond: AMOUNT,
    busy: SHARE,
    awaitMs: AMOUNT,
    queued: AMOUNT,
  })),
  gpus: times(16, () => ({
    index: COUNT,
    name: NAME,
    busy: SHARE,
    memoryUsedBytes: COUNT,
    memoryTotalBytes: COUNT,
    celsius: SHARE,
    watts: SHARE,
  })),
  tiers: (['nvme', 'ssd'] as const).map((name) => ({ tier: name, ...tier, ...moved })),
  asks: { hits: COUNT, misses: COUNT, failures: COUNT },
  ensureMs: quantiles,
  firstByteMs: quantiles,
  loads: times(3, () => loads({})),
  models: times(24, () => loads({ model: 'm'.repeat(63) })),
  transfer: {
    fetches: COUNT,
    fetchedBytes: COUNT,
    bytesPerSecond: quantiles,
    retries: COUNT,
    failures: Object.fromEntries(times(codes, (code) => [`${'x'.repeat(code)}${'-'.repeat(32 - code)}`, COUNT])),
    bytesPerSecondLimit: AMOUNT,
  },
});

it('the greatest minute that the contract lets pass stays below 32 KB, and its row far below what an item may have', () => {
  const metrics = HostMetrics.parse(greatest(32));
  const bytes = Buffer.byteLength(JSON.stringify(metrics));
  expect(bytes).toBeGreaterThan(16_000);
  expect(bytes).toBeLessThan(32_000);
  const value = { host: 'h'.repeat(40), generation: 1, measuredAt: 1e12, receivedAt: 1e12, metrics };
  const row = HostMetricsRow.put(HostMetricsValue.parse(value), expectationOf(undefined));
  expect(Buffer.byteLength(JSON.stringify(row))).toBeLessThan(ITEM_BYTES / 10);
});

it('codes of failures beyond 32 are none that a host tells of', () => {
  expect(HostMetrics.safeParse(greatest(32)).success).toBe(true);
  expect(HostMetrics.safeParse(greatest(33)).success).toBe(false);
});
