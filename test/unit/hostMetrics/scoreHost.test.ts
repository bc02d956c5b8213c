import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostMetrics } from '../../../events/host-heartbeat/metrics.ts';
import { HostHeartbeat } from '../../../events/host-heartbeat/v1.ts';
import { scoreHost, tierRooms } from '../../../lib/hostMetrics/index.ts';
import { Bytes } from '../../../lib/shared/units.ts';
import { scoreTier } from '../../../lib/hostMetrics/scoreTier.ts';
import { between, weigh } from '../../../lib/hostMetrics/weigh.ts';

const heartbeat = HostHeartbeat.parse(JSON.parse(readFileSync('events/host-heartbeat/v1.metrics.json', 'utf8')));
const quiet = heartbeat.metrics ?? expect.fail('the sample has metrics');
const [CAPACITY, FULL] = [1e12, 0.95e12];
const volume = (name: string, tier: 'nvme' | 'ssd', state: 'active' | 'failed' = 'active') => ({
  name,
  tier,
  state,
  capacityBytes: CAPACITY,
  usedBytes: FULL,
  reservedBytes: 0,
  freeBytes: 1,
});
const VOLUMES = [volume('data', 'nvme'), volume('bulk', 'ssd')];

function score(changed: Partial<HostMetrics> = {}, usedBytes = FULL, volumes: readonly object[] = VOLUMES) {
  const parsed = volumes.map((one) => HostHeartbeat.shape.volumes.parse([one])?.[0] ?? expect.fail());
  const room = { capacityBytes: CAPACITY, usedBytes };
  return scoreHost({ ...quiet, ...changed }, room, tierRooms({ ...room, volumes: parsed }));
}

const pointsOf = (found: ReturnType<typeof scoreHost>) =>
  Object.fromEntries(found.parts.map(({ name, points }) => [name, points]));
const asks = (hits: number, misses: number, failures: number) => ({ asks: { hits, misses, failures } });
const fetches = (count: number, failures: Record<string, number>) => ({
  transfer: { ...quiet.transfer, fetches: count, failures },
});
const [nvmeActivity = expect.fail()] = quiet.tiers;
const STILL = quiet.tiers.map((tier) => ({ ...tier, evictedBytes: Bytes.parse(0) }));
const cpu = (busy: number, stolen = 0) => ({ cpu: { busy, stolen, iowait: 0, processors: 8 } });
const memory = (availableBytes: number, waited: number): Partial<HostMetrics> => ({
  memory: HostHeartbeat.shape.metrics.parse({ ...quiet, memory: { totalBytes: 1000, availableBytes } })?.memory,
  pressure: { memory: waited },
});

describe('the score of a host', () => {
  it('is 100 where nothing waits, with all parts measured', () => {
    const found = score({ ...asks(100, 0, 0), ...fetches(5, {}), tiers: STILL, pressure: { memory: 0 } });
    expect(found.points).toBe(100);
    expect(found.lowest).toBeUndefined();
  });

  it.each([
    ['asks', asks(75, 0, 25), 50],
    ['asks', asks(50, 0, 50), 0],
    ['asks', asks(1, 0, 1), 80],
    ['fetches', fetches(90, { denied: 10 }), 80],
    ['fetches', fetches(0, { denied: 1 }), 80],
    ['cache', asks(19, 1, 0), 100],
    ['cache', asks(10, 10, 0), 0],
    ['processors', cpu(0.7), 100],
    ['processors', cpu(0.85), 50],
    ['processors', cpu(0.85, 0.2), 0],
    ['memory', memory(200, 0), 100],
    ['memory', memory(110, 0), 50],
    ['memory', memory(500, 0.1), 50],
    ['network', { network: { ...network(0.85) } }, 50],
  ])('gives %s of %j %i points', (name, changed, points) => {
    expect(pointsOf(score(changed))).toMatchObject({ [name]: points });
  });

  it('leaves out and names what was not measured, and what a cold cache cannot tell', () => {
    const { windowSeconds, tiers, ensureMs, loads, models } = quiet;
    const measured = { windowSeconds, tiers, ensureMs, loads, models, ...asks(1, 100, 0), ...fetches(5, {}) };
    const room = { capacityBytes: 10, usedBytes: 1 };
    const found = scoreHost(measured, room, tierRooms(room));
    expect(found.missing).toEqual(['cache', 'memory', 'processors', 'network']);
    expect(found.tiers).toMatchObject([{ tier: 'nvme', points: 100, missing: ['volumes', 'disk'] }]);
    expect(found.points).toBe(100);
  });

  it('names the lowest part with what the bottleneck knows of its cause', () => {
    const found = score(fetches(1, { denied: 9 }));
    expect(found.lowest).toMatchObject({ name: 'fetches', points: 0, measured: '9 of 10 fetches failed' });
    expect(found.lowest?.recommendation).toMatch(/^The host may not read the origin/);
    expect(found.points).toBeLessThan(60);
  });

  it('scores each tier, and lets a tier be the lowest part of its host', () => {
    const found = score({}, FULL, [...VOLUMES, volume('more', 'nvme', 'failed')]);
    expect(found.tiers.find(({ tier }) => tier === 'nvme')?.lowest).toMatchObject({
      name: 'volumes',
      points: 50,
      measured: 'failed: more',
    });
    expect(found.tiers.find(({ tier }) => tier === 'ssd')?.parts).toContainEqual(
      expect.objectContaining({ name: 'volumes', points: 100 }),
    );
    expect(found.parts.find(({ name }) => name === 'nvme')?.measured).toBe('volumes: failed: more');
  });

  it.each([
    ['busy all the time, and nobody waits', 1, 0.4, 100],
    ['slow, and hardly busy', 0.1, 50, 100],
    ['busy and slow', 1, 20, 0],
    ['half of both', 0.75, 10.5, 50],
  ])('of a disk that is %s', (_, busy, awaitMs, points) => {
    const disks = (quiet.disks ?? []).map((disk) => ({ ...disk, busy, awaitMs }));
    const { parts = [] } = score({ disks }).tiers.find(({ tier }) => tier === 'nvme') ?? {};
    expect(parts.find(({ name }) => name === 'disk')?.points).toBe(points);
  });

  it('of a full tier falls with what it evicts of what it serves, and of its loads with their time', () => {
    const change = HostHeartbeat.shape.metrics.parse({
      ...quiet,
      tiers: [{ ...nvmeActivity, servedBytes: 1000, evictedBytes: 250 }],
      loads: [{ source: 'nvme', ms: { count: 3, p50: 1, p95: 1000 } }],
    });
    const { parts = [] } = score(change).tiers.find(({ tier }) => tier === 'nvme') ?? {};
    expect(parts).toMatchObject([
      { name: 'volumes' },
      { name: 'disk' },
      { name: 'room', points: 75, measured: expect.stringMatching(/ % taken, 25 % of what it served evicted$/) },
      { name: 'loads', points: 50 },
    ]);
  });

  it.each([
    ['no share where it evicted more than it served', 0, 5_000_000, '4.77 MiB evicted, 0 B served'],
    ['that it evicted nothing', 0, 0, 'nothing evicted'],
  ])('says of a tier %s', (_, servedBytes, evictedBytes, told) => {
    const tiers = [{ ...nvmeActivity, servedBytes: Bytes.parse(servedBytes), evictedBytes: Bytes.parse(evictedBytes) }];
    const room = { capacityBytes: 1e12, usedBytes: 5e10 };
    const { parts } = scoreTier({ ...quiet, tiers }, { tier: 'nvme', volumes: [], failed: [], ...room });
    expect(parts.find(({ name }) => name === 'room')?.measured).toBe(`5 % taken, ${told}`);
  });
});

function network(taken: number) {
  const limit = { bytesPerSecondLimit: 1000, errors: 0, dropped: 0 };
  return { receivedBytesPerSecond: 1000 * taken, sentBytesPerSecond: 0, ...limit };
}

describe('the weighted geometric mean', () => {
  const part = (points: number, weight = 1) => ({ points, weight, measured: '', recommendation: '' });

  it('lies between its lowest and its highest part, and one part at 0 pulls it down', () => {
    expect(weigh({ one: part(50), other: part(50, 3) }).points).toBe(50);
    expect(weigh({ one: part(0), other: part(100) }).points).toBe(10);
    expect(weigh({ one: undefined }).points).toBeUndefined();
    const points = fc.integer({ min: 1, max: 100 });
    fc.assert(
      fc.property(points, points, fc.integer({ min: 1, max: 4 }), (one, other, weight) => {
        const mean = weigh({ one: part(one), other: part(other, weight) }).points ?? 0;
        expect(mean).toBeGreaterThanOrEqual(Math.min(one, other));
        expect(mean).toBeLessThanOrEqual(Math.max(one, other));
      }),
    );
  });

  it('takes points in proportion between both ends, whichever is greater', () => {
    expect([0, 0.5, 0.75, 1, 2].map((figure) => between(figure, 0.5, 1))).toEqual([100, 100, 50, 0, 0]);
    expect([0, 0.25, 1].map((figure) => between(figure, 0.5, 0))).toEqual([0, 50, 100]);
  });
});
