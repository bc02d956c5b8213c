import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HostHeartbeat } from '../../events/host-heartbeat/v1.ts';
import { HostMetricsRow } from '../../lib/catalog/index.ts';
import { showHostMetrics } from '../../lib/operations/hostMetrics.ts';
import { HostId } from '../../lib/shared/ids.ts';
import { HOUR_MS, SECOND_MS } from '../../lib/shared/units.ts';
import { createFleetWorld } from '../support/fleetWorld.ts';

const HOST = HostId.parse('gpu-a');
const sample = HostHeartbeat.parse(JSON.parse(readFileSync('events/host-heartbeat/v1.metrics.json', 'utf8'))).metrics;
const metrics = sample ?? expect.fail('the sample has metrics');

async function hostWorld() {
  const world = createFleetWorld();
  const host = await world.addHost('gpu-a');
  await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
  await world.clock.advance(10 * SECOND_MS);
  const told = (name: string) =>
    world.metrics.filter((one) => one.name === name).map(({ value, dimensions }) => ({ value, ...dimensions }));
  const shown = () => showHostMetrics(world.catalog, [HOST, HostId.parse('nobody')], world.clock.now());
  return { world, host, told, shown };
}

describe('the metrics of a heartbeat', () => {
  it('are kept beside the host, and told of the fleet without its name', async () => {
    const { world, host, told, shown } = await hostWorld();
    expect(await shown()).toEqual([]);
    await world.deliver('heartbeats', host.heartbeat({ metrics }));
    expect(await shown()).toMatchObject([{ host: 'gpu-a', metrics, bottlenecks: [] }]);
    expect(told('HostAsks')).toEqual([
      { outcome: 'hit', value: 38 },
      { outcome: 'miss', value: 5 },
    ]);
    expect(told('HostServedBytes')).toEqual([
      { tier: 'nvme', value: 284_000_000_000 },
      { tier: 'ssd', value: 13_876_156_668 },
    ]);
    expect(told('HostLoadP95')).toMatchObject([
      { source: 'nvme' },
      { source: 'ssd' },
      { source: 'origin', value: 11_300 },
    ]);
    expect(told('HostDiskBusy')).toEqual([{ tier: 'nvme', value: 71 }]);
    expect(told('HostMemoryTaken')).toEqual([{ value: 25 }]);
    expect(told('HostGpuBusy')).toEqual([{ value: 47.5 }]);
    expect(told('HostBottlenecks')).toEqual([]);
    for (const { dimensions } of world.metrics) expect(Object.values(dimensions)).not.toContain('gpu-a');
    // The host's own row, which each heartbeat writes, does not grow.
    expect(await world.host('gpu-a')).not.toHaveProperty('metrics');
  });

  it('count once, however often and in whatever order they come', async () => {
    const { world, host, told, shown } = await hostWorld();
    const older = host.heartbeat({ metrics });
    await world.clock.advance(SECOND_MS);
    const newer = host.heartbeat({ metrics: { ...metrics, windowSeconds: 61 } });
    for (const beat of [newer, newer, older, newer]) await world.deliver('heartbeats', beat);
    expect(told('HostFetchedBytes')).toHaveLength(1);
    expect(await shown()).toMatchObject([{ metrics: { windowSeconds: 61 } }]);
  });

  it('name each bottleneck: by kind in the metrics, with its host in the log', async () => {
    const { world, host, told, shown } = await hostWorld();
    const failing = {
      ...metrics,
      cpu: { busy: 0.97, iowait: 0, stolen: 0, processors: 64 },
      asks: { hits: 0, misses: 0, failures: 5 },
    };
    await world.deliver('heartbeats', host.heartbeat({ metrics: failing }));
    expect(told('HostBottlenecks')).toEqual([
      { kind: 'asks-fail', value: 1 },
      { kind: 'cpu-busy', value: 1 },
    ]);
    expect(told('HostsFailing')).toEqual([{ value: 1 }]);
    expect(world.records.filter(({ event }) => event === 'host-bottleneck').map(({ fields }) => fields)).toMatchObject([
      { host: 'gpu-a', kind: 'asks-fail', severity: 'failing' },
      { host: 'gpu-a', kind: 'cpu-busy', measured: '97 % of 64 processors (from 90 %)' },
    ]);
    const [{ bottlenecks } = expect.fail('nothing is shown')] = await shown();
    expect(bottlenecks.map(({ kind }) => kind)).toEqual(['asks-fail', 'cpu-busy']);
  });

  it('of an hour ago, or of another life of the host, are not shown', async () => {
    const { world, host, shown } = await hostWorld();
    await world.deliver('heartbeats', host.heartbeat({ metrics }));
    await world.clock.advance(HOUR_MS - 1);
    expect(await shown()).toHaveLength(1);
    await world.clock.advance(1);
    expect(await shown()).toEqual([]);
    await world.deliver('heartbeats', host.heartbeat({ metrics }));
    expect(await shown()).toHaveLength(1);
    const next = await world.addHost('gpu-a');
    expect(await shown()).toEqual([]);
    await world.deliver('heartbeats', next.heartbeat({ metrics }));
    expect((await HostMetricsRow.get(world.catalog, HOST))?.value.generation).toBe(2);
    expect(await shown()).toHaveLength(1);
  });

  it('are no part of the heartbeats of older agents', async () => {
    const { world, host, shown } = await hostWorld();
    for (const schema of ['host-heartbeat/1', 'host-heartbeat/2', 'host-heartbeat/3'] as const) {
      const { batchItemFailures } = await world.deliver('heartbeats', host.heartbeat({ schema }));
      expect(batchItemFailures).toEqual([]);
    }
    expect(await shown()).toEqual([]);
  });
});
