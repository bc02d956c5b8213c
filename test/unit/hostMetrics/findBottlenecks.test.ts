import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HostHeartbeat } from '../../../events/host-heartbeat/v1.ts';
import type { HostMetrics } from '../../../events/host-heartbeat/metrics.ts';
import { findBottlenecks, judgeHealth } from '../../../lib/hostMetrics/index.ts';

const sample = HostHeartbeat.parse(JSON.parse(readFileSync('events/host-heartbeat/v1.metrics.json', 'utf8'))).metrics;
const quiet = sample ?? expect.fail('the sample has metrics');
const ROOM = { capacityBytes: 100, usedBytes: 99 };

/** The quiet host of the sample, with this changed. */
function kinds(change: (metrics: HostMetrics) => HostMetrics, room = ROOM): readonly string[] {
  return findBottlenecks(change(structuredClone(quiet)), room).map(({ kind, severity }) =>
    severity === 'failing' ? `${kind}!` : kind,
  );
}

function transfer(changed: Partial<HostMetrics['transfer']>) {
  return (metrics: HostMetrics) => ({ ...metrics, transfer: { ...metrics.transfer, ...changed } });
}

function load(changed: { [Part in 'cpu' | 'memory' | 'pressure' | 'network']?: object }) {
  return (metrics: HostMetrics): HostMetrics => ({
    ...metrics,
    ...Object.fromEntries(
      Object.entries(changed).map(([part, values]) => [
        part,
        { ...(metrics[part as keyof HostMetrics] as object), ...values },
      ]),
    ),
  });
}

function disk(busy: number, awaitMs: number) {
  return (metrics: HostMetrics) => ({
    ...metrics,
    disks: (metrics.disks ?? []).map((one) => ({ ...one, busy, awaitMs })),
  });
}

describe('the bottlenecks of a host', () => {
  it('are none where nothing waits', () => {
    expect(kinds((metrics) => metrics)).toEqual([]);
    expect(
      kinds(({ windowSeconds, tiers, asks, ensureMs, loads, models, transfer: moved }) => ({
        windowSeconds,
        tiers,
        asks,
        ensureMs,
        loads,
        models,
        transfer: moved,
      })),
    ).toEqual([]);
  });

  it.each([
    ['busy processors', load({ cpu: { busy: 0.9 } }), ['cpu-busy']],
    ['processors below the limit', load({ cpu: { busy: 0.899 } }), []],
    ['stolen time', load({ cpu: { stolen: 0.1 } }), ['cpu-stolen']],
    ['little memory', load({ memory: { availableBytes: 1e9 } }), ['memory-short']],
    ['little memory of a cgroup', load({ memory: { limitBytes: 80e9, availableBytes: 9e9 } }), []],
    ['pressure on memory', load({ pressure: { memory: 0.1 } }), ['memory-pressure']],
    ['pressure on disks', load({ pressure: { io: 0.5 } }), ['io-pressure']],
    ['a disk that is busy and slow', disk(0.95, 10), ['disk-saturated']],
    ['a disk that is busy and fast', disk(1, 0.5), []],
    ['a disk that is slow and seldom used', disk(0.1, 50), []],
    ['a full line in', load({ network: { receivedBytesPerSecond: 11_250_000_000 } }), ['network-at-its-limit']],
    ['a full line out', load({ network: { sentBytesPerSecond: 12_500_000_000 } }), ['network-at-its-limit']],
    ['a line of unknown speed', load({ network: { bytesPerSecondLimit: undefined, sentBytesPerSecond: 1e12 } }), []],
    ['a bad line', load({ network: { errors: 60 } }), ['network-errors']],
    ['the limit of fetches', transfer({ bytesPerSecondLimit: 2e9 }), ['bandwidth-limited']],
    ['many retries', transfer({ retries: 60 }), ['fetches-retried']],
    ['some fetches that fail', transfer({ failures: { denied: 3 } }), ['fetches-fail']],
    ['most fetches fail', transfer({ failures: { denied: 3, 'no-room': 4 } }), ['fetches-fail!']],
  ] satisfies [string, (metrics: HostMetrics) => HostMetrics, string[]][])('%s', (_name, change, expected) => {
    expect(kinds(change)).toEqual(expected);
  });

  it('are hot GPUs, each by its number', () => {
    const hot = findBottlenecks(
      { ...quiet, gpus: [60, 85, 91].map((celsius, index) => ({ index, name: 'gpu', celsius })) },
      ROOM,
    );
    expect(hot.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual(['gpu-hot 1', 'gpu-hot 2']);
  });

  it('are a cache that is full, evicts and misses; not one that is cold', () => {
    const missing = (metrics: HostMetrics) => ({ ...metrics, asks: { hits: 5, misses: 5, failures: 0 } });
    expect(kinds(missing)).toEqual(['cache-too-small']);
    expect(kinds(missing, { capacityBytes: 100, usedBytes: 40 })).toEqual([]);
    expect(kinds((metrics) => ({ ...missing(metrics), tiers: [] }))).toEqual([]);
    expect(kinds((metrics) => ({ ...metrics, asks: { hits: 4, misses: 5, failures: 0 } }))).toEqual([]);
  });

  it('come worst first, each with what was measured and what to do', () => {
    const found = findBottlenecks(
      { ...load({ cpu: { busy: 1 } })(quiet), asks: { hits: 0, misses: 0, failures: 9 } },
      ROOM,
    );
    expect(found.map(({ kind }) => kind)).toEqual(['asks-fail', 'cpu-busy']);
    expect(found[1]?.measured).toBe('100 % of 64 processors (from 90 %)');
    for (const { measured, recommendation } of found) {
      expect(measured).toMatch(/\(from \d+ %\)/);
      expect(recommendation.length).toBeGreaterThan(20);
    }
  });

  it('name what most fetches failed of, with advice for each code', () => {
    const [found] = findBottlenecks(transfer({ failures: { denied: 5, 'no-room': 6 } })(quiet), ROOM);
    expect(found).toMatchObject({ subject: 'no-room', recommendation: expect.stringContaining('more room') });
  });
});

describe('the health of a host', () => {
  const fine = { connected: true, draining: false, failedVolumes: [], bottlenecks: [] };
  it('is the worst of its reasons', () => {
    expect(judgeHealth(fine)).toEqual({ status: 'ok', reasons: [] });
    expect(judgeHealth({ ...fine, connected: false }).status).toBe('degraded');
    expect(judgeHealth({ ...fine, failedVolumes: ['cold'] }).status).toBe('degraded');
    expect(judgeHealth({ ...fine, draining: true, connected: false })).toMatchObject({
      status: 'failing',
      reasons: [{ code: 'draining' }, { code: 'plane-out-of-reach' }],
    });
    const bottlenecks = findBottlenecks(load({ cpu: { busy: 1 } })(quiet), ROOM);
    expect(judgeHealth({ ...fine, bottlenecks })).toMatchObject({
      status: 'degraded',
      reasons: [{ code: 'cpu-busy', message: '100 % of 64 processors (from 90 %)' }],
    });
  });
});
