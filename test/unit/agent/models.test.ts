import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Agent } from '../../../agent/agent.ts';
import { createLocalApi } from '../../../agent/server/localApi.ts';
import { blobKey } from '../../../lib/shared/digest.ts';
import { SemVer } from '../../../lib/shared/ids.ts';
import { DiskError } from '../../../lib/shared/ports/disk.ts';
import { Bytes, HOUR_MS } from '../../../lib/shared/units.ts';
import { createMemDisk } from '../../support/memDisk.ts';
import { type AgentWorld, createAgentWorld } from './agentWorld.ts';

const silent = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  metric: () => undefined,
  with: () => silent,
};

async function started(options?: Parameters<typeof createAgentWorld>[0]) {
  const world = createAgentWorld(options);
  const agent = await world.boot();
  return { world, agent, ...apiOf(agent) };
}

function apiOf(agent: Agent) {
  const deps = { agent: () => agent, telemetry: silent };
  const config = { root: '/store', leaseSeconds: 300 };
  return {
    api: createLocalApi(deps, config),
    guarded: createLocalApi(deps, { ...config, tcp: { token: 'secret' } }),
  };
}

describe('GET /v1/models/{name@range}', () => {
  it('fetches what is missing and answers path, digest, kind and a lease for all files of the version', async () => {
    const { world, api, agent } = await started();
    const [weights, settings] = [world.addBlob(300), world.addBlob(20)];
    world.publish('^1.0', { 'vae.bin': settings, 'model.safetensors': weights });
    const response = await api.request('/v1/models/tiny@%5E1.0?wait=5');
    expect(response.status).toBe(200);
    const body = (await response.json()) as { lease: string; files: unknown[] };
    expect(body).toMatchObject({
      model: 'tiny',
      version: '1.0.0',
      path: '/store/models/checkpoints/tiny/1.0.0/model.safetensors',
      digest: weights.digest,
      kind: 'checkpoints',
      expiresInSeconds: 300,
    });
    expect(body.files).toHaveLength(2);
    expect(agent.store.leases.protects(settings.digest)).toBe(true);
    await agent.settled();
    expect(world.sent.receipts.map(({ origin, type, outcome }) => `${origin} ${type} ${outcome}`)).toEqual([
      'local prefetch done',
      'local prefetch done',
    ]);
  });

  it('answers 202 with progress while the bytes come, and the operation tells when they are there', async () => {
    const { world, api, agent } = await started();
    const blob = world.addBlob(640);
    world.publish('latest', { 'model.safetensors': blob });
    const gate = Promise.withResolvers<void>();
    world.hooks.beforeRead = (key, offset) =>
      key === blobKey(blob.digest) && offset >= 320 ? gate.promise : Promise.resolve();
    const asked = api.request('/v1/models/tiny?wait=1');
    for (let step = 0; step < 60; step += 1) await world.clock.advance(20);
    const response = await asked;
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe('/v1/operations/tiny@1.0.0');
    expect(await response.json()).toMatchObject({
      status: 'running',
      progress: { bytesDone: 320, totalBytes: 640, percentDone: 50 },
    });
    gate.resolve();
    await agent.settled();
    expect(await (await api.request('/v1/operations/tiny@1.0.0')).json()).toMatchObject({ status: 'done' });
    expect((await api.request('/v1/models/tiny')).status).toBe(200);
  });

  it('shares one download among however many ask', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(640);
    world.publish('latest', { 'model.safetensors': blob });
    const before = world.counters.rangeReads;
    const all = await Promise.all(Array.from({ length: 50 }, () => agent.models.ensure(world.NAME, 'latest', 1000)));
    expect(all.every(({ outcome }) => outcome === 'ready')).toBe(true);
    // The manifest, then 640 bytes in ranges of 32.
    expect(world.counters.rangeReads - before).toBe(21);
    expect(agent.store.leases.active()).toBe(50);
  });

  it('goes before a prefetch that it joins was behind', async () => {
    const { world, agent } = await started();
    const [first, wanted] = [world.addBlob(1_280, 1), world.addBlob(640, 2)];
    world.publish('latest', { 'model.safetensors': wanted });
    world.command(world.prefetchOf(first, 'first.safetensors'));
    world.command(world.prefetchOf(wanted));
    const reads: string[] = [];
    const joined = Promise.withResolvers<void>();
    world.hooks.beforeRead = async (key) => {
      if (key.endsWith('.parts')) return;
      reads.push(key);
      // Both are on their way and none has gone far when the process asks.
      if (reads.length >= 2) await joined.promise;
    };
    await agent.pollOnce();
    await world.clock.advance(1);
    const before = reads.length;
    const ensuring = agent.models.ensure(world.NAME, 'latest', 60_000);
    await world.clock.advance(1);
    joined.resolve();
    expect((await ensuring).outcome).toBe('ready');
    await agent.settled();
    const last = reads.lastIndexOf(blobKey(wanted.digest));
    const othersBefore = reads.slice(before, last).filter((key) => key === blobKey(first.digest)).length;
    // At most the parts that had their turn already: two parts of two ranges.
    expect(othersBefore).toBeLessThanOrEqual(4);
    expect(reads.slice(last).filter((key) => key === blobKey(first.digest)).length).toBeGreaterThan(20);
  });

  it.each([
    ['/v1/models/other', 404, 'unknown-model'],
    ['/v1/models/UPPER@1', 400, 'bad-reference'],
    ['/v1/models/..%2F..%2Fetc@1', 400, 'bad-reference'],
    ['/v1/models/tiny@', 400, 'bad-reference'],
    ['/v1/models/tiny?wait=soon', 400, 'bad-wait'],
    ['/v1/models/tiny?wait=-1', 400, 'bad-wait'],
    ['/v1/operations/tiny@9.9.9', 404, 'unknown-operation'],
    ['/v2', 404, 'unknown-route'],
  ])('%s answers %i %s', async (path, status, code) => {
    const { api } = await started();
    const response = await api.request(path);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status, code });
  });

  it('answers 507 where everything is leased, and the room is there once a lease ends', async () => {
    const { world, api } = await started({ capacity: 700 });
    const [held, wanted] = [world.addBlob(640, 1), world.addBlob(640, 2)];
    world.publish('latest', { 'held.safetensors': held });
    world.publish('wanted', { 'wanted.safetensors': wanted });
    const { lease } = (await (await api.request('/v1/models/tiny?wait=5')).json()) as { lease: string };
    const refused = await api.request('/v1/models/tiny@wanted?wait=5');
    expect([refused.status, await refused.json()]).toMatchObject([507, { code: 'no-room' }]);
    expect((await api.request(`/v1/leases/${lease}`, { method: 'DELETE' })).status).toBe(204);
    expect((await api.request('/v1/models/tiny@wanted?wait=5')).status).toBe(200);
  });

  it('answers 202 with the time when an archived model can be read, and serves it when it is', async () => {
    const { world, api } = await started();
    const blob = world.addBlob(640, 1);
    world.publish('latest', { 'tiny.safetensors': blob });
    world.setClass(blob.digest, 'GLACIER');
    const asked = await api.request('/v1/models/tiny?wait=5');
    expect(asked.status).toBe(202);
    expect(Number(asked.headers.get('retry-after'))).toBeGreaterThan(0);
    const operation = asked.headers.get('location') ?? '';
    const body = { operation: 'tiny@latest', status: 'restoring', readyAt: expect.stringMatching(/^2025-.*Z$/) };
    expect(await asked.json()).toMatchObject(body);
    expect(await (await api.request(operation)).json()).toMatchObject(body);
    expect((await api.request(`/v1/blobs/${blob.digest}`)).status).toBe(202);
    world.setClass(blob.digest, 'STANDARD');
    expect((await api.request('/v1/models/tiny?wait=5')).status).toBe(200);
  });

  it('answers 429 with the time to ask again where no more may be spent on restores, and 202 then', async () => {
    const { world, api } = await started();
    const blob = world.addBlob(640, 1);
    world.publish('latest', { 'tiny.safetensors': blob });
    world.setClass(blob.digest, 'GLACIER');
    world.settings.restoresPerHour = 0;
    const asked = await api.request('/v1/models/tiny');
    expect(asked.status).toBe(429);
    expect(Number(asked.headers.get('retry-after'))).toBeGreaterThan(1);
    expect(await asked.json()).toMatchObject({
      code: 'restores-limited',
      title: expect.stringContaining('More begin from 2025-'),
    });
    world.settings.restoresPerHour = 1;
    expect((await api.request('/v1/models/tiny')).status).toBe(202);
  });

  it('serves what it resolved and holds while the plane is away, and nothing else', async () => {
    const { world, api, agent } = await started();
    const [held, other] = [world.addBlob(100, 1), world.addBlob(100, 2)];
    world.publish('latest', { 'model.safetensors': held });
    world.publish('other', { 'model.safetensors': other });
    expect((await api.request('/v1/models/tiny?wait=5')).status).toBe(200);
    world.registry.offline = true;
    await world.clock.advance(60_000);
    expect((await api.request('/v1/models/tiny?wait=5')).status).toBe(200);
    expect((await api.request('/v1/models/tiny@other?wait=5')).status).toBe(503);
    await agent.store.evict(held.digest);
    expect(agent.store.leases.protects(held.digest)).toBe(true);
  });
});

describe('GET /v1/blobs/{digest}', () => {
  it('fetches one file of a version, and answers it under that version’s name', async () => {
    const { world, api, agent } = await started();
    const [weights, settings] = [world.addBlob(300), world.addBlob(20)];
    world.publish('latest', { 'vae.bin': settings, 'model.safetensors': weights });
    const response = await api.request(`/v1/blobs/${weights.digest}?wait=5`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      model: 'tiny',
      version: '1.0.0',
      path: '/store/models/checkpoints/tiny/1.0.0/model.safetensors',
      digest: weights.digest,
      files: [{ file: 'model.safetensors', digest: weights.digest }],
    });
    expect(agent.store.residents()).toEqual([weights.digest]);
    expect(await (await api.request(`/v1/operations/${weights.digest}`)).json()).toMatchObject({ status: 'done' });
    // The whole version is more than that, and is fetched on top of it.
    expect(await (await api.request('/v1/models/tiny?wait=5')).json()).toMatchObject({ files: [{}, {}] });
  });

  it('refuses what no published version has, and what is no digest', async () => {
    const { world, api } = await started();
    const unpublished = world.addBlob(300);
    for (const digest of [unpublished.digest, 'a'.repeat(64)]) {
      const response = await api.request(`/v1/blobs/${digest}`);
      expect([response.status, await response.json()]).toMatchObject([404, { code: 'unknown-blob' }]);
    }
    for (const path of ['/v1/blobs/abc', `/v1/blobs/${'A'.repeat(64)}`, '/v1/blobs/..%2F..%2Fetc', '/v1/blobs/%ff']) {
      const response = await api.request(path);
      expect([response.status, await response.json()]).toMatchObject([400, { code: 'bad-digest' }]);
    }
  });
});

describe('hostile calls of the local API', () => {
  it('are answered with a problem, whatever they ask', async () => {
    const { api, guarded, world } = await started();
    world.publish('latest', { 'model.safetensors': world.addBlob(100) });
    const segment = fc.oneof(
      fc.constantFrom(
        'v1',
        'models',
        'blobs',
        'leases',
        'operations',
        'tiny',
        'tiny@latest',
        'a'.repeat(64),
        '..',
        '%2e%2e',
      ),
      fc.constantFrom('%', '%00', '%ff', '@', 'tiny@', 'tiny@^1', '__proto__', 'constructor', 'a'.repeat(5_000)),
      fc.string({ maxLength: 20 }).map(encodeURIComponent),
    );
    const query = fc.constantFrom(
      '',
      '?wait=0',
      '?wait=1e3',
      '?wait=-0',
      '?wait=0x1',
      '?wait=%00',
      '?wait=0&wait=300',
      '?x',
    );
    const requests = fc.tuple(
      fc.constantFrom('GET', 'PUT', 'DELETE', 'POST'),
      fc.array(segment, { maxLength: 4 }),
      query,
    );
    await fc.assert(
      fc.asyncProperty(requests, async ([method, segments, rest]) => {
        const path = `/${segments.join('/')}${rest}`;
        const response = await api.request(path, { method });
        expect(response.status, path).not.toBe(500);
        if (response.status >= 400) {
          expect(response.headers.get('content-type')).toBe('application/problem+json');
          expect(await response.json()).toMatchObject({ status: response.status, code: expect.any(String) });
        }
        expect((await guarded.request(path, { method })).status).toBe(421);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a lease', () => {
  async function leased() {
    const all = await started();
    const blob = all.world.addBlob(100);
    all.world.publish('latest', { 'model.safetensors': blob });
    const { lease } = (await (await all.api.request('/v1/models/tiny?wait=5')).json()) as { lease: string };
    return { ...all, blob, lease };
  }
  const elapse = async (world: AgentWorld, agent: Agent, ms: number) => {
    for (let at = 0; at < ms; at += 5_000) {
      await world.clock.advance(5_000);
      await agent.upkeepOnce();
    }
  };

  it('ends after its time, unless it is renewed', async () => {
    const { world, agent, api, blob, lease } = await leased();
    await elapse(world, agent, 40_000);
    expect((await api.request(`/v1/leases/${lease}`, { method: 'PUT' })).status).toBe(200);
    await elapse(world, agent, 40_000);
    expect(agent.store.leases.protects(blob.digest)).toBe(true);
    await elapse(world, agent, 30_000);
    expect(agent.store.leases.protects(blob.digest)).toBe(false);
    expect((await api.request(`/v1/leases/${lease}`, { method: 'PUT' })).status).toBe(404);
  });

  it.each(['ends by itself', 'is given up'])('that %s while the ledger cannot be written stays ended', async (how) => {
    const disk = createMemDisk({ totalBytes: 2 ** 30 });
    let broken = false;
    const write: typeof disk.write = async (path, offset, bytes) => {
      if (broken && path === 'state/ledger') throw new DiskError('io', 'input/output error');
      return disk.write(path, offset, bytes);
    };
    const { world, agent, api } = await started({ disk: { ...disk, write } });
    const blob = world.addBlob(100);
    world.publish('latest', { 'model.safetensors': blob });
    const { lease } = (await (await api.request('/v1/models/tiny?wait=5')).json()) as { lease: string };
    broken = true;
    if (how === 'is given up') {
      expect((await api.request(`/v1/leases/${lease}`, { method: 'DELETE' })).status).toBe(204);
    } else await elapse(world, agent, 65_000);
    expect(agent.store.leases.protects(blob.digest)).toBe(false);
    broken = false;
    await agent.upkeepOnce();
    world.crash();
    const again = await world.boot();
    expect(again.store.leases.active()).toBe(0);
    expect(again.store.leases.protects(blob.digest)).toBe(false);
  });

  it('does not end early when the clock jumps an hour, either way', async () => {
    for (const jump of [3_600_000, -3_600_000]) {
      const { world, agent, blob } = await leased();
      await world.clock.advance(jump);
      await agent.upkeepOnce();
      expect(agent.store.leases.protects(blob.digest)).toBe(true);
    }
  });

  it('outlives the agent, with its whole time', async () => {
    const { world, agent, blob, lease } = await leased();
    await elapse(world, agent, 50_000);
    world.crash();
    const again = await world.boot();
    await elapse(world, again, 50_000);
    expect(again.store.leases.protects(blob.digest)).toBe(true);
    expect((await apiOf(again).api.request(`/v1/leases/${lease}`, { method: 'DELETE' })).status).toBe(204);
    expect(again.store.leases.protects(blob.digest)).toBe(false);
  });
});

describe('the local API over TCP', () => {
  const authorization = 'Bearer secret';
  it.each([
    [{ host: 'localhost:7411', authorization }, 200],
    [{ host: '127.0.0.1:7411', authorization }, 200],
    [{ host: '[::1]:7411', authorization }, 200],
    [{ host: 'attacker.example:7411', authorization }, 421],
    [{ host: 'localhost.attacker.example', authorization }, 421],
    [{ host: '127.0.0.1.nip.io:7411', authorization }, 421],
    [{ authorization }, 421],
    [{ host: 'localhost:7411' }, 401],
    [{ host: 'localhost:7411', authorization: 'Bearer secre' }, 401],
    [{ host: 'localhost:7411', authorization: 'Bearer secrets' }, 401],
  ])('with %j answers %i', async (headers, status) => {
    const { guarded } = await started();
    const given = new Headers(Object.entries(headers));
    expect((await guarded.request('/v1/status', { headers: given })).status).toBe(status);
  });
});

describe('accesses', () => {
  it('are counted by blob and day, and a batch that may have arrived keeps its id', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(100);
    world.publish('latest', { 'model.safetensors': blob });
    for (let ask = 0; ask < 3; ask += 1) await agent.models.ensure(world.NAME, 'latest', 1000);
    world.registry.offline = true;
    expect(await agent.flushAccessesOnce()).toBe(false);
    world.registry.offline = false;
    expect(await agent.flushAccessesOnce()).toBe(true);
    expect(await agent.flushAccessesOnce()).toBe(true);
    expect(world.sent.accesses).toHaveLength(1);
    const [{ accesses }] = world.sent.accesses as [(typeof world.sent.accesses)[number]];
    expect(accesses).toMatchObject([{ digest: blob.digest, count: 3, hits: 2 }]);
  });
});

describe('a session', () => {
  it('continues after a restart under the same generation, with higher heartbeat numbers', async () => {
    const { world, agent } = await started();
    await agent.heartbeatOnce();
    world.crash();
    const again = await world.boot();
    await again.heartbeatOnce();
    expect(world.registry.generation).toBe(1);
    const [first, second] = world.sent.heartbeats.map(({ sequence }) => sequence);
    expect(second).toBeGreaterThan(first ?? 0);
  });

  it('starts the next generation when its own is fenced: no longer draining, old receipts dropped', async () => {
    const { world, agent } = await started();
    world.command({ type: 'drain' });
    await world.work(agent);
    world.command({ type: 'report' }, { actionId: 'late' });
    world.registry.offline = true;
    await world.work(agent);
    world.registry.offline = false;
    world.retire();
    agent.session.renewSoon();
    expect(await agent.sessionOnce()).toBe(true);
    expect(world.registry.generation).toBe(2);
    expect(await agent.flushReceiptsOnce()).toBe(true);
    expect(world.sent.receipts.filter(({ actionId }) => actionId === 'late')).toEqual([]);
    await agent.heartbeatOnce();
    expect(world.sent.heartbeats.at(-1)).toMatchObject({ generation: 2, draining: false, sequence: 1 });
  });

  it('goes on in the generation whose beginning it was not told, long after its token is worth nothing', async () => {
    const { world, agent } = await started();
    await world.clock.advance(2 * HOUR_MS);
    world.retire();
    world.hooks.loseAnswer = true;
    agent.session.renewSoon();
    expect(await agent.sessionOnce()).toBe(false);
    expect(world.registry.generation).toBe(2);
    expect(await agent.sessionOnce()).toBe(true);
    expect(agent.session.current()?.generation).toBe(2);
    expect(world.registry.generation).toBe(2);
    expect(await agent.heartbeatOnce()).toBe(true);
  });

  it('keeps a generation that began, and whose answer was lost, while its clock is wrong', async () => {
    const { world, agent } = await started();
    world.retire();
    world.hooks.loseAnswer = true;
    agent.session.renewSoon();
    expect(await agent.sessionOnce()).toBe(false);
    world.hooks.clockAheadMs = HOUR_MS;
    expect(await agent.sessionOnce()).toBe(false);
    expect(world.registry.generation).toBe(2);
    world.hooks.clockAheadMs = 0;
    expect(await agent.sessionOnce()).toBe(true);
    expect(agent.session.current()?.generation).toBe(2);
    expect(world.registry.generation).toBe(2);
  });

  it.each([
    ['behind', -HOUR_MS],
    ['ahead of', HOUR_MS],
  ])('keeps its registration and serves what it holds while its clock is an hour %s the plane’s', async (side, ms) => {
    const { world, agent } = await started();
    world.publish('latest', { 'model.safetensors': world.addBlob(100) });
    expect((await agent.models.ensure(world.NAME, 'latest', 1000)).outcome).toBe('ready');

    world.hooks.clockAheadMs = ms;
    agent.session.renewSoon();
    expect(await agent.sessionOnce()).toBe(false);
    expect((await agent.models.ensure(world.NAME, 'latest', 1000)).outcome).toBe('ready');
    const told = world.telemetry.records.filter(({ event }) => event.startsWith('session-'));
    expect(told.map(({ event, fields }) => [event, fields['code'], fields['title']])).toEqual([
      ['session-refused', 'clock-skew', `The host’s clock is 3,600 s ${side} the plane’s.`],
    ]);

    world.hooks.clockAheadMs = 0;
    expect(await agent.sessionOnce()).toBe(true);
    expect(world.registry.generation).toBe(1);
  });

  it('is refused under the name of a host in service to a machine that is not it', async () => {
    const { world } = await started();
    const other = await world.boot({}, createMemDisk());
    expect(other.session.connected()).toBe(false);
    expect(world.registry.generation).toBe(1);
  });

  it('keeps working while the plane is away', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(100);
    world.command(world.prefetchOf(blob));
    world.registry.offline = true;
    await world.work(agent);
    expect(await agent.flushReceiptsOnce()).toBe(false);
    world.crash();
    const again = await world.boot();
    expect(again.session.connected()).toBe(false);
    world.registry.offline = false;
    await again.sessionOnce();
    expect(await again.flushReceiptsOnce()).toBe(true);
    expect(world.sent.receipts).toMatchObject([{ outcome: 'done', digest: blob.digest }]);
  });
});

describe('the budget', () => {
  it('holds while many blobs are asked for at once', async () => {
    const { world, agent } = await started({ capacity: 1000 });
    const blobs = Array.from({ length: 20 }, (_, at) => world.addBlob(200 + at, at));
    blobs.forEach((blob, at) => world.publish(`v${at}`, { [`m${at}.safetensors`]: blob }, SemVer.parse(`1.0.${at}`)));
    let most = 0;
    world.hooks.beforeRead = async () => {
      most = Math.max(most, await world.bytesOnDisk());
    };
    const all = blobs.map((_, at) => agent.models.ensure(world.NAME, `v${at}`, 1000));
    const outcomes = (await Promise.all(all)).map(({ outcome }) => outcome);
    expect(most).toBeLessThanOrEqual(1000);
    expect(most).toBeGreaterThan(400);
    expect(outcomes).toContain('ready');
    expect((await agent.store.measures()).usedBytes).toBeLessThanOrEqual(Bytes.parse(1000));
    expect(await world.wrongBlobs()).toEqual([]);
  });
});
