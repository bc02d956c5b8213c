import { describe, expect, it } from 'vitest';
import { HostSession, Problem, type RegisterHost, ResolvedModel } from '../../events/host-api/v1.ts';
import { type Blob, ReferenceRow, TierPolicyRow } from '../../lib/catalog/index.ts';
import { createJoinToken, generateKeyPair, hostKeyId, signEnvelope } from '../../lib/fleet/index.ts';
import { keepOwnBook } from '../../lib/priceBooks/index.ts';
import { booksOfPlane, hostTierPrice, shippedPriceBook, storagePrice } from '../../lib/pricing/index.ts';
import { Generation, HostId, HostPattern, originLocation } from '../../lib/shared/ids.ts';
import { EpochMs, GIB, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../lib/shared/units.ts';
import { TIER_SETTINGS } from '../../lib/tiering/index.ts';
import { testContext } from '../support/envelopes.ts';
import {
  arnOf,
  countingRandom,
  createFleetWorld,
  digestOf,
  type FleetWorld,
  registration,
} from '../support/fleetWorld.ts';
import { ownBook } from '../support/ownBooks.ts';

const keys = (seed: number) => generateKeyPair('fresh', countingRandom(seed * 1000));
const newKey = (seed: number): string => keys(seed).publicKey;

/** Nobody hears of any host until each counts as silent. */
async function silence(world: FleetWorld): Promise<void> {
  await world.clock.advance(5 * MINUTE_MS);
  await world.handlers.reap(
    { schedule: 'reap', scheduledTime: new Date(world.clock.now()).toISOString() },
    testContext(),
  );
}

async function decideBy(world: FleetWorld, priceBook: string): Promise<void> {
  const policy = { inForce: 'rules', settings: { ...TIER_SETTINGS, priceBook }, since: EpochMs.parse(0) } as const;
  await world.catalog.transact([TierPolicyRow.put(policy, 'absent')]);
}

describe('registering a host', () => {
  it('begins generation 1 with a queue of its own and a session that names it', async () => {
    const world = createFleetWorld();
    const answer = await world.post('/v1/hosts', registration('gpu-a', newKey(1)), arnOf('gpu-a'));
    expect(answer.statusCode).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(HostSession.parse(answer.json)).toMatchObject({
      protocol: 1,
      host: 'gpu-a',
      generation: 1,
      queue: 'host-gpu-a-1',
      credentials: { accessKeyId: 'gpu-a.1' },
      commandKeys: [{ keyId: world.planeKey.keyId, publicKey: world.planeKey.publicKey }],
      heartbeatSeconds: 30,
    });
    await world.queues.send('host-gpu-a-1', [{ body: 'a command' }]);
  });

  it('begins the next generation once the host is silent, and drops the queue of the last one', async () => {
    const world = createFleetWorld();
    await world.post('/v1/hosts', registration('gpu-a', newKey(1)), arnOf('gpu-a'));
    await silence(world);
    const answer = await world.post('/v1/hosts', registration('gpu-a', newKey(2)), arnOf('gpu-a'));
    expect(answer.json).toMatchObject({ generation: 2, queue: 'host-gpu-a-2' });
    await world.run();
    await expect(world.queues.send('host-gpu-a-1', [{ body: 'late' }])).rejects.toMatchObject({
      code: 'no-such-queue',
    });
    await world.queues.send('host-gpu-a-2', [{ body: 'a command' }]);
  });

  it('drops the queues of all older generations when registrations follow faster than fences', async () => {
    const world = createFleetWorld();
    for (let life = 1; life <= 3; life += 1) await world.addHost('gpu-a');
    await world.run();
    for (const dead of ['host-gpu-a-1', 'host-gpu-a-2']) {
      await expect(world.queues.send(dead, [{ body: 'late' }])).rejects.toMatchObject({ code: 'no-such-queue' });
    }
    await world.queues.send('host-gpu-a-3', [{ body: 'a command' }]);
  });

  it('answers a repeated registration by the same key with the same generation', async () => {
    const world = createFleetWorld();
    for (let times = 0; times < 2; times += 1) {
      const answer = await world.post('/v1/hosts', registration('gpu-a', newKey(1)), arnOf('gpu-a'));
      expect(answer.json).toMatchObject({ generation: 1 });
    }
  });

  it.each([
    ['an unknown protocol', { protocols: [7] }, 400, 'unsupported-protocol'],
    ['a host name that is none', { host: '../etc' }, 400, 'bad-request'],
    ['a key that is none', { publicKey: 'short' }, 400, 'bad-request'],
  ])('refuses %s', async (_name, over, status, code) => {
    const world = createFleetWorld();
    const request = registration('gpu-a', newKey(1), over as Partial<RegisterHost>);
    const answer = await world.post('/v1/hosts', request, arnOf('gpu-a'));
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({ status, code });
    expect(await world.host('gpu-a')).toBeUndefined();
  });

  it('speaks the highest protocol that both sides know with an older agent and a newer one', async () => {
    const world = createFleetWorld();
    const request = registration('gpu-a', newKey(1), { protocols: [1, 9] });
    expect((await world.post('/v1/hosts', request, arnOf('gpu-a'))).json).toMatchObject({ protocol: 1 });
  });

  it('tells hosts the prices that the plane decides by, and none to older agents', async () => {
    const world = createFleetWorld();
    await keepOwnBook(world.catalog, ownBook());
    await decideBy(world, 'own/minio@2026-11-21');
    const key = newKey(1);
    const request = registration('gpu-a', key, { protocols: [1, 2] });
    const session = HostSession.parse((await world.post('/v1/hosts', request, arnOf('gpu-a'))).json);
    expect(session.protocol).toBe(2);
    const told = booksOfPlane(session.prices ?? '', shippedPriceBook());
    expect(told.id).toMatch(/^own\/minio@2026-11-21\+aws\/us-east-1@/);
    expect(storagePrice(told, 'STANDARD').price.usdPerGbMonth).toBe(0.008);
    expect(hostTierPrice(told, 'nvme').price.usdPerGbHour).toBe(0.02);
    const older = registration('gpu-b', newKey(2), { protocols: [1] });
    const answered = (await world.post('/v1/hosts', older, arnOf('gpu-b'))).json;
    expect(answered).toMatchObject({ protocol: 1 });
    expect(answered).not.toHaveProperty('prices');
  });

  it('registers a host also where nobody has kept the book that decides', async () => {
    const world = createFleetWorld();
    await decideBy(world, 'own/lost@2026-11-21');
    const request = registration('gpu-a', newKey(1), { protocols: [2] });
    const answer = await world.post('/v1/hosts', request, arnOf('gpu-a'));
    expect(answer.json).toMatchObject({ generation: 1, protocol: 2 });
    expect(answer.json).not.toHaveProperty('prices');
  });

  it('refuses a call that IAM has not authenticated, one that is no JSON, and an unknown route', async () => {
    const world = createFleetWorld();
    expect((await world.post('/v1/hosts', registration('gpu-a', newKey(1)))).statusCode).toBe(401);
    expect((await world.post('/v1/hosts', 'no json', arnOf('gpu-a'))).statusCode).toBe(400);
    expect((await world.post('/v1/elsewhere', {}, arnOf('gpu-a'))).statusCode).toBe(404);
  });
});

describe('an IAM identity', () => {
  it.each([
    ['another instance of the same role', arnOf('gpu-b')],
    ['a session of the same name in another role', 'arn:aws:sts::123456789012:assumed-role/admin/gpu-a'],
    ['the same role of another account', 'arn:aws:sts::999999999999:assumed-role/agent/gpu-a'],
    ['a user of that name', 'arn:aws:iam::123456789012:user/gpu-a'],
    ['the role itself', 'arn:aws:iam::123456789012:role/agent'],
    ['an ARN with more to it', 'arn:aws:sts::123456789012:assumed-role/agent/gpu-b/gpu-a'],
  ])('registers no host as %s', async (_who, arn) => {
    const world = createFleetWorld();
    const answer = await world.post('/v1/hosts', registration('gpu-a', newKey(1)), arn);
    expect(answer).toMatchObject({ statusCode: 403, json: { code: 'host-not-allowed' } });
    expect(await world.host('gpu-a')).toBeUndefined();
  });

  it('does not push out a host in service, whoever has stolen it', async () => {
    const world = createFleetWorld();
    const host = await world.addHost('gpu-a');
    const stolen = await world.post('/v1/hosts', registration('gpu-a', newKey(2)), arnOf('gpu-a'));
    expect(stolen).toMatchObject({ statusCode: 409, json: { code: 'name-in-use' } });
    expect(stolen.headers['retry-after']).toBe('60');
    expect(await world.host('gpu-a')).toMatchObject({ generation: 1, publicKey: host.key.publicKey });
  });

  it('gives one of two machines that use one name at once the name', async () => {
    const world = createFleetWorld();
    const answers = await Promise.all(
      [1, 2].map((seed) => world.post('/v1/hosts', registration('gpu-a', newKey(seed)), arnOf('gpu-a'))),
    );
    expect(answers.map((answer) => answer.statusCode).toSorted((a, b) => a - b)).toEqual([201, 409]);
    expect((await world.host('gpu-a'))?.generation).toBe(1);
  });
});

describe('joining by a token', () => {
  async function worldWithToken(hosts = 'gpu-a', uses = 1) {
    const world = createFleetWorld();
    const terms = { hosts: HostPattern.parse(hosts), uses, ttlMs: HOUR_MS };
    const { token } = await createJoinToken(world.deps, terms);
    const join = (name: string, seed: number) =>
      world.post('/v1/hosts/join', registration(name, newKey(seed), { joinToken: token }));
    return { world, token, join };
  }

  it('registers so many hosts of its prefix, also when more try at the same time', async () => {
    const { world, join } = await worldWithToken('gpu-*', 2);
    const answers = await Promise.all(['gpu-a', 'gpu-b', 'gpu-c'].map((name, index) => join(name, index)));
    expect(answers.map((answer) => answer.statusCode).toSorted((a, b) => a - b)).toEqual([201, 201, 401]);
    expect((await join('gpu-d', 4)).json).toMatchObject({ code: 'unauthenticated' });
    expect(await world.host('gpu-d')).toBeUndefined();
  });

  it.each([
    ['gpu-a', 'gpu-b'],
    ['gpu-a', 'gpu-a1'],
    ['gpu-*', 'cpu-a'],
    ['gpu-*', 'gpu'],
  ])('for %s registers no %s', async (hosts, name) => {
    const { world, join } = await worldWithToken(hosts);
    expect(await join(name, 1)).toMatchObject({ statusCode: 403, json: { code: 'host-not-allowed' } });
    expect(await world.host(name)).toBeUndefined();
  });

  it('never takes the name of a host in service, and by a prefix not that of a silent one', async () => {
    for (const hosts of ['gpu-a', 'gpu-*']) {
      const { world, join } = await worldWithToken(hosts);
      const host = await world.addHost('gpu-a');
      expect(await join('gpu-a', 2)).toMatchObject({ statusCode: 409, json: { code: 'name-in-use' } });
      await silence(world);
      const later = await join('gpu-a', 2);
      expect(later.statusCode).toBe(hosts === 'gpu-a' ? 201 : 409);
      if (hosts !== 'gpu-a') expect((await world.host('gpu-a'))?.publicKey).toBe(host.key.publicKey);
    }
  });

  it('opens no session of a host to who knows that host’s public key', async () => {
    const { world, token } = await worldWithToken('gpu-*');
    const host = await world.addHost('gpu-a');
    const request = registration('gpu-a', host.key.publicKey, { joinToken: token });
    const answer = await world.post('/v1/hosts/join', request);
    expect(answer).toMatchObject({ statusCode: 409, json: { code: 'name-in-use' } });
    expect(answer.body).not.toContain('credentials');
  });

  it('answers the same registration again, whose first answer may have been lost', async () => {
    const { join } = await worldWithToken();
    const first = await join('gpu-a', 1);
    const second = await join('gpu-a', 1);
    expect(second.json.generation).toBe(first.json.generation);
  });

  it('refuses no token, a wrong one and an expired one', async () => {
    const { world, token } = await worldWithToken();
    expect((await world.post('/v1/hosts/join', registration('gpu-a', newKey(1)))).statusCode).toBe(401);
    const wrong = registration('gpu-a', newKey(1), { joinToken: `${token}x` });
    expect((await world.post('/v1/hosts/join', wrong)).statusCode).toBe(401);
    await world.clock.advance(HOUR_MS);
    const late = registration('gpu-a', newKey(1), { joinToken: token });
    expect((await world.post('/v1/hosts/join', late)).statusCode).toBe(401);
    expect(await world.host('gpu-a')).toBeUndefined();
  });
});

describe('coming back and staying', () => {
  it('rejoins once by the key of the generation that ends', async () => {
    const world = createFleetWorld();
    const host = await world.addHost('gpu-a');
    const rejoin = host.rejoin(registration('gpu-a', newKey(9)));
    expect((await world.post('/v1/hosts/rejoin', rejoin)).json).toMatchObject({ generation: 2 });
    expect((await world.post('/v1/hosts/rejoin', rejoin)).json).toMatchObject({ code: 'stale-generation' });
  });

  it('tells a host whose clock is off, on every route that it signs for, by how much and by which clocks', async () => {
    const world = createFleetWorld();
    const host = await world.addHost('gpu-a');
    const { generation } = host.session;
    const at = world.clock.now();
    const signed = { host: host.id, generation, at };
    const model = { model: 'sdxl', reference: 'latest' };
    const calls = [
      ['/v1/hosts/refresh', signEnvelope({ schema: 'refresh-session/1', ...signed }, host.key)],
      ['/v1/hosts/rejoin', host.rejoin(registration('gpu-a', newKey(9)))],
      ['/v1/resolve', signEnvelope({ schema: 'resolve-model/1', ...signed, ...model }, host.key)],
    ] as const;
    await world.clock.advance(15 * MINUTE_MS + SECOND_MS);
    for (const [path, envelope] of calls) {
      const { statusCode, json } = await world.post(path, envelope);
      expect(statusCode).toBe(401);
      expect(Problem.parse(json)).toMatchObject({
        code: 'clock-skew',
        title: 'The host’s clock is 901 s behind the plane’s.',
        hint: expect.stringContaining(`The host says ${new Date(at).toISOString().slice(0, 19)}Z, the plane `),
        clocks: { host: at, plane: at + 901_000 },
      });
    }
    expect((await world.host('gpu-a'))?.generation).toBe(1);
  });

  it.each([8.64e15 + 1, Number.MAX_SAFE_INTEGER])('refuses the moment %i, which is no date, with 400', async (at) => {
    const world = createFleetWorld();
    const host = await world.addHost('gpu-a');
    const signed = { host: host.id, generation: host.session.generation, at };
    const model = { model: 'sdxl', reference: 'latest' };
    for (const [path, request] of [
      ['/v1/hosts/refresh', { schema: 'refresh-session/1', ...signed }],
      ['/v1/resolve', { schema: 'resolve-model/1', ...signed, ...model }],
    ] as const) {
      const { statusCode, json } = await world.post(path, signEnvelope(request, host.key));
      expect([statusCode, json]).toEqual([400, expect.objectContaining({ code: 'bad-request' })]);
    }
  });

  it('does not let one host rejoin in the name of another', async () => {
    const world = createFleetWorld();
    const host = await world.addHost('gpu-a');
    await world.addHost('gpu-b');
    const foreign = host.rejoin(registration('gpu-b', newKey(9)));
    expect((await world.post('/v1/hosts/rejoin', foreign)).statusCode).toBe(401);
    expect((await world.host('gpu-b'))?.generation).toBe(1);
  });

  it('renews a session for the key of the current generation only, and only while the request is fresh', async () => {
    const world = createFleetWorld();
    const host = await world.addHost('gpu-a');
    const { generation } = host.session;
    const request = { schema: 'refresh-session/1', host: host.id, generation, at: world.clock.now() };
    const good = signEnvelope(request, host.key);
    expect((await world.post('/v1/hosts/refresh', good)).json).toMatchObject({ generation: 1 });

    const forged = signEnvelope(request, { ...keys(7), keyId: host.key.keyId });
    expect((await world.post('/v1/hosts/refresh', forged)).statusCode).toBe(401);

    await world.addHost('gpu-a');
    const stale = signEnvelope({ ...request, at: world.clock.now() }, host.key);
    expect((await world.post('/v1/hosts/refresh', stale)).json).toMatchObject({ code: 'stale-generation' });

    const unknown = { ...request, host: HostId.parse('gpu-z'), generation: Generation.parse(1), at: world.clock.now() };
    const stranger = { ...keys(7), keyId: hostKeyId(unknown.host, unknown.generation) };
    expect((await world.post('/v1/hosts/refresh', signEnvelope(unknown, stranger))).statusCode).toBe(401);
  });
});

const findings = (status: 'clean' | 'suspicious'): Blob['findings'] => ({
  status,
  rules: 'rules-of-yesterday',
  format: 'safetensors',
  kind: 'checkpoints',
  reasons: [],
});

const archived: Blob['origin'] = {
  location: originLocation('eu-west-1', 'GLACIER'),
  storageClass: 'GLACIER',
  versionId: 'v',
  billedSince: EpochMs.parse(0),
};

describe('resolving a model', () => {
  interface Asking {
    readonly model?: string;
    readonly blob?: Partial<Blob>;
    readonly protocols?: number[];
  }

  async function ask(reference: string, over: Asking = {}) {
    const world = createFleetWorld();
    const host = await world.addHost('gpu-a', { protocols: over.protocols ?? [1] });
    await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }, over.blob);
    await world.publish('sdxl', '1.1.0', { 'sdxl.safetensors': 'b', 'vae.safetensors': 'c' }, over.blob);
    const { generation } = host.session;
    const request = { schema: 'resolve-model/1', host: host.id, generation, at: world.clock.now(), reference };
    return world.post('/v1/resolve', signEnvelope({ ...request, model: over.model ?? 'sdxl' }, host.key));
  }

  it.each([
    ['latest', '1.1.0', ['b', 'c']],
    ['1.0.0', '1.0.0', ['a']],
    ['^1.0', '1.1.0', ['b', 'c']],
  ])('answers %s with the pinned objects of %s', async (reference, version, letters) => {
    const { statusCode, json } = await ask(reference);
    expect(statusCode).toBe(200);
    expect(ResolvedModel.parse(json)).toMatchObject({
      version,
      files: letters.map((letter) => ({
        digest: digestOf(letter),
        size: GIB,
        origin: { key: `blobs/${digestOf(letter)}`, versionId: `${letter}-v1` },
      })),
    });
  });

  it('tells of each object in which class it lies, but not older agents, which would refuse that', async () => {
    for (const [protocols, told] of [
      [[1, 2, 3], { storageClass: 'STANDARD' }],
      [[1, 2], {}],
    ] as const) {
      const { json } = await ask('1.0.0', { protocols: [...protocols] });
      const [file] = ResolvedModel.parse(json).files;
      expect(file?.origin).toEqual({ key: `blobs/${digestOf('a')}`, versionId: 'a-v1', ...told });
    }
  });

  it.each([
    ['an unknown model', () => ask('latest', { model: 'nothing' }), 404, 'unknown-model'],
    ['an unknown version', () => ask('2.0.0'), 404, 'unknown-version'],
    ['a reference that is none', () => ask('>=<'), 404, 'unknown-version'],
    ['unclean content', () => ask('latest', { blob: { findings: findings('suspicious') } }), 403, 'not-servable'],
    [
      'content that older rules judged',
      () => ask('latest', { blob: { findings: findings('clean') } }),
      403,
      'not-servable',
    ],
  ])('refuses %s', async (_name, asked, status, code) => {
    const { statusCode, json } = await asked();
    expect(statusCode).toBe(status);
    expect(json).toMatchObject({ code });
  });

  it('begins to restore archived content, and says when it can be read', async () => {
    const { statusCode, headers, json } = await ask('latest', { blob: { origin: archived } });
    expect(statusCode).toBe(409);
    const problem = Problem.parse(json);
    expect(problem).toMatchObject({ code: 'archived', title: expect.stringContaining('ready at about 2') });
    expect(problem.readyAt).toBeGreaterThan(Date.parse('2025-11-20T12:00:00Z'));
    expect(Number((headers as Record<string, string>)['retry-after'])).toBeGreaterThanOrEqual(1800);
  });

  it('is for registered hosts only', async () => {
    const world = createFleetWorld();
    const host = await world.addHost('gpu-a');
    await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' });
    const { generation } = host.session;
    const at = world.clock.now();
    const request = { schema: 'resolve-model/1', host: host.id, generation, at, model: 'sdxl', reference: 'latest' };
    const forged = signEnvelope(request, { ...keys(7), keyId: host.key.keyId });
    expect((await world.post('/v1/resolve', forged)).statusCode).toBe(401);
    expect((await world.post('/v1/resolve', request)).statusCode).toBe(400);
  });
});

describe('resolving a digest', () => {
  async function ask(letter: string, over: Partial<Blob> = {}) {
    const world = createFleetWorld();
    const host = await world.addHost('gpu-a');
    const { model, version } = await world.publish(
      'sdxl',
      '1.1.0',
      { 'sdxl.safetensors': 'b', 'vae.safetensors': 'c' },
      over,
    );
    await world.catalog.transact([ReferenceRow.put({ digest: digestOf('c'), model, version }, 'absent')]);
    const { generation } = host.session;
    const request = { schema: 'resolve-blob/1', host: host.id, generation, at: world.clock.now() };
    return world.post('/v1/resolve', signEnvelope({ ...request, digest: digestOf(letter) }, host.key));
  }

  it('answers a version that has it, with the pinned object of this file alone', async () => {
    const { statusCode, json } = await ask('c');
    expect(statusCode).toBe(200);
    expect(ResolvedModel.parse(json)).toMatchObject({
      model: 'sdxl',
      version: '1.1.0',
      files: [{ file: 'vae.safetensors', digest: digestOf('c'), origin: { versionId: 'c-v1' } }],
    });
    expect(json.files).toHaveLength(1);
  });

  it.each([
    ['content that nobody published', 'd', {}, 404, 'unknown-blob'],
    ['unclean content', 'c', { findings: findings('suspicious') }, 403, 'not-servable'],
    ['content that older rules judged', 'c', { findings: findings('clean') }, 403, 'not-servable'],
    ['archived content', 'c', { origin: archived }, 409, 'archived'],
  ])('refuses %s', async (_name, letter, over, status, code) => {
    const { statusCode, json } = await ask(letter, over);
    expect(statusCode).toBe(status);
    expect(json).toMatchObject({ code });
  });
});
