import { describe, expect, it } from 'vitest';
import type { Agent } from '../../../agent/agent.ts';
import { createLocalApi } from '../../../agent/server/localApi.ts';
import type { HostReading, HostReadings } from '../../../lib/hostMetrics/index.ts';
import { blobKey } from '../../../lib/shared/digest.ts';
import { VolumeName } from '../../../lib/shared/ids.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';
import { type AgentWorld, createAgentWorld } from './agentWorld.ts';
import { COLD, createVolumesWorld } from './volumesWorld.ts';

function apiOf(agent: Agent) {
  return createLocalApi(
    { agent: () => agent, telemetry: recordedTelemetry().telemetry },
    { root: '/s', leaseSeconds: 300 },
  );
}

async function points(agent: Agent, accept = ''): Promise<ReadonlyMap<string, number>> {
  const text = await (await apiOf(agent).request('/metrics', { headers: { accept } })).text();
  return new Map(
    text
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

/** A minute of an agent that runs: samples every five seconds. */
async function minute(world: AgentWorld, agent: Agent): Promise<void> {
  for (let step = 0; step < 13; step += 1) {
    await world.clock.advance(5000);
    await agent.sampleOnce();
  }
}

/** A machine whose disk is busy half of the time, one step of five seconds a reading. */
function busyMachine(): HostReadings & { closed: boolean } {
  let at = 0;
  return {
    closed: false,
    async read(): Promise<HostReading> {
      at += 1;
      const disk = { reads: 5 * at, readBytes: 5000 * at, readMs: at, writes: 0, writtenBytes: 0, writeMs: 0 };
      return {
        atMs: 5000 * at,
        cpu: { busy: 3 * at, idle: at, iowait: 0, stolen: 0, processors: 4 },
        memory: { totalBytes: 100, availableBytes: 50 },
        pressure: {},
        interfaces: new Map(),
        disks: new Map([[VolumeName.parse('data'), { ...disk, busyMs: 2500 * at, queuedMs: 2500 * at }]]),
        gpus: [{ index: 0, name: 'a "big" one\\', busy: 0.5 }],
      };
    },
    close() {
      this.closed = true;
    },
  };
}

describe('what the agent counts', () => {
  it('tells hits from misses, and how long models took from where they were', async () => {
    const world = createAgentWorld();
    const agent = await world.boot();
    world.publish('latest', { 'model.safetensors': world.addBlob(640) });
    world.hooks.beforeRead = async () => world.clock.sleep(100);
    const first = agent.models.ensure(world.NAME, 'latest', 60_000);
    for (let step = 0; step < 60; step += 1) await world.clock.advance(50);
    expect((await first).outcome).toBe('ready');
    for (let again = 0; again < 3; again += 1) await agent.models.ensure(world.NAME, 'latest', 0);
    const found = await points(agent);
    expect(found.get('strata_agent_asks_total{outcome="hit"}')).toBe(3);
    expect(found.get('strata_agent_asks_total{outcome="miss"}')).toBe(1);
    expect(found.get('strata_agent_hit_ratio')).toBe(0.75);
    expect(found.get('strata_agent_load_seconds_count{source="origin"}')).toBe(1);
    expect(found.get('strata_agent_load_seconds{source="origin",quantile="0.95"}')).toBeGreaterThan(0.9);
    expect(found.get('strata_agent_load_seconds_count{source="nvme"}')).toBe(3);
    expect(found.get('strata_agent_model_loads{model="tiny",source="nvme"}')).toBe(3);
    expect(found.get('strata_agent_served_bytes_total{tier="nvme"}')).toBe(4 * 640);
    expect(found.get('strata_agent_written_bytes_total{tier="nvme"}')).toBe(640);
    expect(found.get('strata_agent_fetched_bytes_total')).toBe(640);
    expect(found.get('strata_agent_fetches_total')).toBe(1);
    expect(found.get('strata_store_used_bytes{tier="nvme",volume=""}')).toBe(640);
  });

  it('takes whoever comes back for one ask, that has waited since it first came', async () => {
    const world = createAgentWorld();
    const agent = await world.boot();
    const blob = world.addBlob(640);
    world.publish('latest', { 'model.safetensors': blob });
    const gate = Promise.withResolvers<void>();
    world.hooks.beforeRead = (key) => (key === blobKey(blob.digest) ? gate.promise : Promise.resolve());
    for (let poll = 0; poll < 4; poll += 1) {
      const asked = agent.models.ensure(world.NAME, 'latest', 0);
      for (let step = 0; step < 20; step += 1) await world.clock.advance(100);
      expect((await asked).outcome).toBe('fetching');
    }
    gate.resolve();
    await agent.settled();
    expect((await agent.models.ensure(world.NAME, 'latest', 0)).outcome).toBe('ready');
    expect(agent.meters.totals.asks).toEqual({ hits: 0, misses: 1, failures: 0 });
    expect(agent.meters.totals.ensureMs.sum).toBeGreaterThanOrEqual(8000);
    await agent.models.ensure(world.NAME, 'latest', 0);
    expect(agent.meters.totals.asks).toEqual({ hits: 1, misses: 1, failures: 0 });
  });

  it('counts what fails by its code', async () => {
    const world = createAgentWorld();
    const agent = await world.boot();
    const blob = world.addBlob(640);
    world.publish('latest', { 'model.safetensors': blob });
    world.removeObject(blobKey(blob.digest));
    expect((await agent.models.ensure(world.NAME, 'latest', 1000)).outcome).toBe('failed');
    const found = await points(agent);
    expect(found.get('strata_agent_asks_total{outcome="failure"}')).toBe(1);
    expect(found.get('strata_agent_fetch_failures_total{code="origin-absent"}')).toBe(1);
  });

  it('counts moves and evictions where they happen', async () => {
    const world = createVolumesWorld({ capacity: 1000, volumes: [{ name: COLD, tier: 'ssd', capacity: 700 }] });
    const agent = await world.bootWith();
    for (const size of [320, 310, 330]) await world.asked(agent, await world.fetched(agent, size));
    await world.moveAll(agent);
    const { nvme, ssd } = agent.meters.totals.tiers;
    expect(ssd.movesIn).toBeGreaterThan(0);
    expect(ssd.writtenBytes).toBe(ssd.movedInBytes);
    expect(nvme.evictions).toBe(0);
    for (const size of [340, 350, 360, 370]) await world.asked(agent, await world.fetched(agent, size));
    await world.moveAll(agent);
    expect(ssd.evictions + nvme.evictions).toBeGreaterThan(0);
    const found = await points(agent);
    expect(found.get('strata_agent_evictions_total{tier="ssd"}')).toBe(ssd.evictions);
    expect(found.get('strata_store_capacity_bytes{tier="ssd",volume="cold"}')).toBe(700);
  });
});

describe('a minute of metrics', () => {
  it('goes with one heartbeat, and the next minute with a later one', async () => {
    const world = createAgentWorld({ readings: busyMachine() });
    const agent = await world.boot();
    world.publish('latest', { 'model.safetensors': world.addBlob(640) });
    await agent.models.ensure(world.NAME, 'latest', 60_000);
    await agent.heartbeatOnce();
    await minute(world, agent);
    await agent.heartbeatOnce();
    await agent.heartbeatOnce();
    await minute(world, agent);
    await agent.heartbeatOnce();
    const told = world.sent.heartbeats.map(({ metrics }) => metrics);
    expect(told.map((metrics) => metrics?.asks.misses)).toEqual([undefined, 1, undefined, 0]);
    expect(told[1]).toMatchObject({
      windowSeconds: 60,
      cpu: { busy: 0.75, processors: 4 },
      disks: [{ volume: 'data', readsPerSecond: 1, busy: 0.5 }],
      gpus: [{ index: 0, busy: 0.5 }],
      tiers: [{ tier: 'nvme', opens: 1, servedBytes: 640 }],
      transfer: { fetches: 1, fetchedBytes: 640, failures: {} },
    });
    expect(told[1]?.models.map(({ model, source }) => [model, source])).toEqual([['tiny', 'origin']]);
  });

  it('is not lost with a heartbeat that cannot be sent', async () => {
    const world = createAgentWorld();
    const agent = await world.boot();
    await minute(world, agent);
    world.registry.offline = true;
    expect(await agent.heartbeatOnce()).toBe(false);
    world.registry.offline = false;
    await agent.heartbeatOnce();
    expect(world.sent.heartbeats.at(-1)?.metrics).toMatchObject({ windowSeconds: 60, tiers: [{ tier: 'nvme' }] });
    expect(world.sent.heartbeats.at(-1)?.metrics?.cpu).toBeUndefined();
  });

  it('is answered to whoever asks the host itself, with its samples', async () => {
    const world = createAgentWorld({ readings: busyMachine() });
    const agent = await world.boot();
    const body = async () => (await apiOf(agent).request('/v1/metrics')).json();
    expect(await body()).toEqual({ schema: 'agent-metrics/1', lastMinute: null, bottlenecks: [], samples: [] });
    await minute(world, agent);
    expect(await body()).toMatchObject({ lastMinute: { windowSeconds: 60 }, bottlenecks: [] });
    expect(((await body()) as { samples: unknown[] }).samples).toHaveLength(12);
  });
});

describe('GET /metrics', () => {
  it('speaks both text formats, and lets no name end a label', async () => {
    const world = createAgentWorld({ readings: busyMachine() });
    const agent = await world.boot();
    await agent.sampleOnce();
    await agent.sampleOnce();
    const api = apiOf(agent);
    const plain = await api.request('/metrics');
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await plain.text();
    expect(text).toContain('# TYPE strata_agent_asks_total counter\n');
    expect(text).toContain('strata_host_gpu_busy_ratio{gpu="0",name="a \\"big\\" one\\\\"} 0.5\n');
    expect(text).not.toContain('# EOF');
    const open = await api.request('/metrics', { headers: { accept: 'application/openmetrics-text;version=1.0.0' } });
    expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    const openText = await open.text();
    expect(openText).toContain('# TYPE strata_agent_asks counter\n');
    expect(openText).toMatch(/\nstrata_agent_asks_total\{outcome="hit"\} 0\n/);
    expect(openText.endsWith('\n# EOF\n')).toBe(true);
    // Each name is declared once, and no value is anything but a number.
    const declared = [...text.matchAll(/^# TYPE (\S+) /gm)].map((match) => match[1]);
    expect(new Set(declared).size).toBe(declared.length);
    for (const value of (await points(agent)).values()) expect(value).not.toBeNaN();
  });

  it('says at /v1/health what is wrong and what to do, and stays ready', async () => {
    const world = createVolumesWorld({ capacity: 1000, volumes: [{ name: COLD, tier: 'ssd', capacity: 700 }] });
    const agent = await world.bootWith();
    const health = async () => (await apiOf(agent).request('/v1/health')).json();
    expect(await health()).toEqual({ status: 'ready', health: 'ok', reasons: [] });
    const cold = world.others.get(COLD);
    if (cold !== undefined) cold.fault = 'io';
    await agent.upkeepOnce();
    expect(await health()).toMatchObject({
      status: 'ready',
      health: 'degraded',
      reasons: [{ code: 'volume-failed', subject: 'cold', severity: 'degraded' }],
    });
  });
});
