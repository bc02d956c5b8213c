import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { describe, expect, it } from 'vitest';
import {
  answerOperation,
  createDeadLetters,
  createOperations,
  createRemoteOperations,
} from '../../../lib/operations/index.ts';
import { UnsealedRow, type Upload, UploadRow } from '../../../lib/catalog/index.ts';
import { uploadChanges } from '../../../lib/ingest/judgedRows.ts';
import { showAudit } from '../../../lib/operations/audit.ts';
import { generateKeyPair } from '../../../lib/fleet/index.ts';
import { nodeRandom } from '../../../lib/adapters/node/nodeRandom.ts';
import { HostPattern, ModelName, SemVer } from '../../../lib/shared/ids.ts';
import { createFileObjectStore } from '../../../lib/adapters/embedded/fileObjectStore.ts';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { embeddedWorkQueues } from '../../../runtime/workQueues.ts';
import { sealTrail } from '../../../lib/audit/index.ts';
import { DAY_MS, DurationMs, formatBytes, GB, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import { createMemDisk } from '../../support/memDisk.ts';
import { createIngestPlane, safetensors } from '../../support/ingestPlane.ts';

const KEY = 'uploads/tiny/1.0.0/tiny.safetensors';

async function setUp(freeBytes = 100 * GB, totalBytes = 500 * GB) {
  const plane = await createIngestPlane();
  const deadLetters = createDeadLetters({
    clock: plane.clock,
    declared: [{ queue: 'ingest-dlq', origin: { kind: 'queue', queue: 'ingest' } }],
    receiver: plane.queues,
    sender: plane.queues,
    waitSeconds: 0,
    count: async (queue) => plane.queues.counts().find((one) => one.queue === queue)?.visible ?? 0,
    call: async () => undefined,
  });
  const key = generateKeyPair('plane-1', nodeRandom);
  const seals = await createFileObjectStore({
    disk: createMemDisk(),
    database: openDatabase(':memory:'),
    bucket: 'audit',
    region: 'local',
    clock: plane.clock,
    random: nodeRandom,
  });
  const local = createOperations({
    ...plane.deps,
    random: nodeRandom,
    seals,
    deadLetters,
    workQueues: () => embeddedWorkQueues(plane.queues),
    room: async () => ({ totalBytes, freeBytes }),
    commandKeys: { current: async () => key, published: async () => [key] },
    settings: { ...plane.deps.settings, commandTtlMs: MINUTE_MS },
  });
  // Over a connection that carries JSON, as the CLI reaches them.
  const remote = createRemoteOperations(async (name, input) => {
    const answer = await answerOperation(local, name, JSON.parse(JSON.stringify(input)));
    return JSON.parse(JSON.stringify(answer)) as typeof answer;
  });
  return { plane, seals, local, remote };
}

describe('operations over a connection', () => {
  it('list and show what was published, with verdict, class and copies', async () => {
    const { plane, remote } = await setUp();
    await plane.upload(KEY, safetensors(200));
    await plane.settle();
    expect(await remote.listModels({ limit: 10 })).toMatchObject({ items: [{ name: 'tiny', newest: '1.0.0' }] });
    const shown = await remote.showModel({ reference: 'tiny@^1' });
    expect(shown).toMatchObject({
      versions: [{ version: '1.0.0', files: 1, deprecated: false }],
      files: [
        {
          file: 'tiny.safetensors',
          blob: { verdict: 'clean', storageClass: 'STANDARD' },
          replicas: [{ location: 's3:eu-west-1:STANDARD', state: 'verified' }],
        },
      ],
    });
    expect(await remote.showVersion({ reference: 'tiny' })).toEqual({ files: shown.files });
  });

  it('explain a quarantined upload by its key and a published model by its name', async () => {
    const { plane, remote } = await setUp();
    await plane.upload('uploads/bad/1.0.0/bad.safetensors', safetensors(100).subarray(0, 50));
    await plane.upload(KEY, safetensors(200));
    await plane.settle();
    const bad = await remote.explain({ reference: 'uploads/bad/1.0.0/bad.safetensors' });
    expect(bad.uploads).toMatchObject([{ state: 'quarantined', quarantine: { reason: 'invalid-format' } }]);
    expect((await remote.explain({ reference: 'tiny' })).uploads).toMatchObject([{ key: KEY, state: 'ready' }]);
    expect(await remote.listUploads({ state: 'quarantined', limit: 10 })).toMatchObject({
      items: [{ state: 'quarantined' }],
    });
  });

  it('tell the history of what was decided about an object, and verify that nobody changed it', async () => {
    const { plane, seals, remote } = await setUp();
    const key = 'uploads/bad/1.0.0/bad.safetensors';
    await plane.upload(key, safetensors(100).subarray(0, 50));
    await plane.upload(KEY, safetensors(200));
    await plane.settle();
    await remote.releaseUpload({ key, reason: 'read by hand', by: 'ada', dryRun: false });
    expect(await remote.showAudit({ object: key, limit: 10 })).toMatchObject({
      items: [
        {
          number: 1,
          action: 'quarantined',
          reason: 'invalid-format',
          by: { kind: 'plane', name: 'judge-upload' },
          verdict: { status: 'invalid', serve: false },
          bytes: { key },
          sealed: false,
        },
        { number: 2, action: 'released', by: { kind: 'operator', name: 'ada' }, text: 'read by hand' },
      ],
    });
    const [first, second] = (await remote.showAudit({ object: KEY, limit: 10 })).items;
    expect([first?.action, second?.action]).toEqual(['judged', 'published']);
    const blob = { object: `blobs/${second?.bytes?.digest}`, limit: 10 };
    expect(await remote.showAudit(blob)).toMatchObject({ items: [{ action: 'judged', verdict: { status: 'clean' } }] });
    const settings = { auditRetentionMs: DurationMs.parse(DAY_MS) };
    const call = { telemetry: plane.deps.telemetry, remainingMs: () => 60_000 };
    await sealTrail({ catalog: plane.catalog, seals, clock: plane.clock, settings }, call);
    expect(await remote.showAudit({ object: KEY, limit: 10 })).toMatchObject({
      items: [{ sealed: true }, { sealed: true }],
    });
    expect(await remote.verifyAudit({})).toEqual({ seals: 1, objects: 3, entries: 5, unsealed: 0 });
    const row = await UploadRow.get(plane.catalog, KEY, first?.bytes?.versionId ?? '');
    const findings = { ...row!.value.findings!, status: 'malicious' as const };
    await plane.catalog.transact([UploadRow.put({ ...row!.value, findings }, { version: row!.version })]);
    expect(await remote.verifyAudit({})).toMatchObject({
      broken: { what: 'contradicted', object: KEY, number: 2, text: expect.stringContaining('another thing') },
    });
  });

  it('name what was made of a refusal behind the plane’s back, also once the plane has gone on from there', async () => {
    const { plane, remote } = await setUp();
    const key = 'uploads/bad/1.0.0/bad.safetensors';
    await plane.upload(key, safetensors(100).subarray(0, 50));
    await plane.settle();
    const [refused] = (await remote.showAudit({ object: key, limit: 10 })).items;
    const read = async () => (await UploadRow.get(plane.catalog, key, refused?.bytes?.versionId ?? ''))!;
    const genuine = await read();
    const forge = async (over: Partial<Upload>) => {
      const { version } = await read();
      await plane.catalog.transact([UploadRow.put({ ...genuine.value, ...over }, { version })]);
    };
    const contradicted = (number: number) => ({ broken: { what: 'contradicted', object: key, number } });
    await forge({ quarantine: { ...genuine.value.quarantine!, reason: 'malicious' } });
    expect(await remote.verifyAudit({})).toMatchObject(contradicted(1));
    await forge({ state: 'digesting', quarantine: undefined });
    expect(await remote.verifyAudit({})).toMatchObject(contradicted(1));
    await forge({
      state: 'digesting',
      quarantine: undefined,
      findings: { ...genuine.value.findings!, status: 'clean' },
    });
    const row = await read();
    const by = { kind: 'plane' as const, name: 'publish-upload' };
    const now = plane.clock.now();
    await plane.catalog.transact(await uploadChanges(plane.catalog, row, { ...row.value, state: 'ready' }, by, now));
    expect((await remote.showAudit({ object: key, limit: 10 })).items.at(-1)).toMatchObject({ action: 'published' });
    expect(await remote.verifyAudit({})).toMatchObject(contradicted(2));
  });

  it('call nothing sealed that was written while the history was read', async () => {
    const { plane } = await setUp();
    await plane.upload(KEY, safetensors(200));
    let written = false;
    const query: typeof plane.catalog.query = async (asked) => {
      const page = await plane.catalog.query(asked);
      if (!written) {
        written = true;
        await plane.settle();
      }
      return page;
    };
    const { items } = await showAudit({ ...plane.catalog, query }, { object: KEY, limit: 10 });
    expect(items.filter(({ sealed }) => sealed)).toEqual([]);
  });

  it('promote, roll back and deprecate', async () => {
    const { plane, remote } = await setUp();
    await plane.upload(KEY, safetensors(200));
    await plane.upload('uploads/tiny/1.1.0/tiny.safetensors', safetensors(300));
    await plane.settle();
    const model = ModelName.parse('tiny');
    const [old, young] = [SemVer.parse('1.0.0'), SemVer.parse('1.1.0')];
    for (const version of [old, young]) await remote.promoteAlias({ model, alias: 'stable', version, dryRun: false });
    expect(await remote.rollbackAlias({ model, alias: 'stable', dryRun: false })).toMatchObject({ version: '1.0.0' });
    expect(await remote.removeAlias({ model, alias: 'stable', dryRun: false })).toMatchObject({ version: '1.0.0' });
    expect(await remote.showModel({ reference: 'tiny' })).toMatchObject({ aliases: [] });
    await remote.deprecateVersion({ model, version: young, deprecated: true, dryRun: false });
    expect(await remote.showModel({ reference: 'tiny@latest' })).toMatchObject({ model: { newest: '1.0.0' } });
  });

  it('redrive dead letters of a queue, after showing how many there are', async () => {
    const { plane, remote } = await setUp();
    await plane.deliver('{"poison":1}', '{"poison":2}');
    await plane.settle();
    expect((await remote.listDeadLetters({})).items).toContainEqual({
      queue: 'ingest-dlq',
      sources: ['ingest'],
      messages: 2,
    });
    expect(await remote.redriveDeadLetters({ queue: 'ingest', max: 10, dryRun: true })).toMatchObject({ messages: 2 });
    expect(await remote.redriveDeadLetters({ queue: 'ingest-dlq', max: 1, dryRun: false })).toMatchObject({
      messages: 1,
    });
    expect(await remote.redriveDeadLetters({ queue: 'ingest', max: 10, dryRun: true })).toMatchObject({ messages: 1 });
    await expect(remote.redriveDeadLetters({ queue: 'nowhere', max: 1, dryRun: true })).rejects.toMatchObject({
      code: 'unknown-queue',
    });
  });

  it('show what dead letters say, as often as asked, and leave them where they are', async () => {
    const { plane, remote } = await setUp();
    await plane.deliver(
      JSON.stringify({ poison: 1, joinToken: 'strata-join-0a1b', url: 'https://b/k?X-Amz-Signature=ab' }),
    );
    await plane.deliver('no JSON, Bearer abc.def');
    await plane.settle();
    for (const _ of [1, 2]) {
      const { items } = await remote.showDeadLetters({ queue: 'ingest', max: 10 });
      expect(items.map(({ queue, body }) => ({ queue, body }))).toEqual([
        {
          queue: 'ingest-dlq',
          body: { poison: 1, joinToken: '[redacted]', url: 'https://b/k?X-Amz-Signature=[redacted]' },
        },
        { queue: 'ingest-dlq', body: 'no JSON, Bearer [redacted]' },
      ]);
    }
    expect((await remote.showDeadLetters({ queue: 'ingest-dlq', max: 1 })).items).toHaveLength(1);
    expect(await remote.redriveDeadLetters({ queue: 'ingest', max: 10, dryRun: true })).toMatchObject({ messages: 2 });
    await expect(remote.showDeadLetters({ queue: 'nowhere', max: 1 })).rejects.toMatchObject({ code: 'unknown-queue' });
  });

  it('change a service level bit by bit, and remember who did', async () => {
    const { plane, remote } = await setUp();
    await plane.upload(KEY, safetensors(200));
    await plane.settle();
    const model = ModelName.parse('tiny');
    expect(await remote.showServiceLevel({ model })).toEqual({ items: [] });
    const change = { model, by: 'ann', clear: [], dryRun: false };
    await remote.setServiceLevel({ ...change, terms: { readsPerDay: 3 }, dryRun: true });
    expect(await remote.listServiceLevels({ limit: 10 })).toEqual({ items: [] });
    await remote.setServiceLevel({ ...change, terms: { readsPerDay: 3 } });
    await plane.clock.advance(MINUTE_MS);
    await remote.setServiceLevel({ ...change, by: 'bob', terms: { restoreToleranceMs: 60_000, waitingUsdPerHour: 2 } });
    const cleared = await remote.setServiceLevel({ ...change, terms: {}, clear: ['waitingUsdPerHour'] });
    expect(cleared).toMatchObject({ model, readsPerDay: 3, restoreToleranceMs: 60_000 });
    expect(cleared.waitingUsdPerHour).toBeUndefined();
    expect(cleared.changes?.map(({ by, terms }) => [by, terms.waitingUsdPerHour])).toEqual([
      ['ann', undefined],
      ['bob', 2],
      ['ann', undefined],
    ]);
    expect(await remote.listServiceLevels({ limit: 10 })).toEqual({ items: [cleared] });
    expect(await remote.showServiceLevel({ model })).toEqual({ items: [cleared] });
  });

  it('refuse a service level of no model, or that is no number', async () => {
    const { local, remote } = await setUp();
    const change = { model: ModelName.parse('none'), by: 'ann', clear: [], dryRun: false };
    await expect(remote.setServiceLevel({ ...change, terms: { readsPerDay: 3 } })).rejects.toMatchObject({
      code: 'unknown-model',
    });
    for (const terms of [{ readsPerDay: -1 }, { restoreToleranceMs: 1e12 }, { waits: 1 }]) {
      const answer = await answerOperation(local, 'setServiceLevel', { ...change, terms });
      expect(answer).toMatchObject({ failure: { code: 'invalid-input' } });
    }
  });

  it('list the join tokens that are valid, and revoke one', async () => {
    const { plane, local, remote } = await setUp();
    const made = async (hosts: string, validMinutes: number) =>
      remote.createJoinToken({ hosts: HostPattern.parse(hosts), uses: 1, validMinutes });
    await made('gone', 1);
    await plane.clock.advance(2 * MINUTE_MS);
    const [late, soon] = [await made('late', 20), await made('soon', 10)];
    const listed = await remote.listJoinTokens({ limit: 10 });
    expect(listed.items.map(({ id, hosts }) => [id, hosts])).toEqual([
      [soon.id, 'soon'],
      [late.id, 'late'],
    ]);
    expect(JSON.stringify(listed)).not.toContain('strata-join-');
    await remote.revokeJoinToken({ id: soon.id, dryRun: true });
    expect(await remote.revokeJoinToken({ id: soon.id, dryRun: false })).toMatchObject({ hosts: 'soon', usedBy: [] });
    expect((await remote.listJoinTokens({ limit: 10 })).items.map(({ id }) => id)).toEqual([late.id]);
    await expect(remote.revokeJoinToken({ id: soon.id, dryRun: false })).rejects.toMatchObject({
      code: 'unknown-token',
    });
    expect(await answerOperation(local, 'revokeJoinToken', { id: soon.token, dryRun: false })).toMatchObject({
      failure: { code: 'invalid-input' },
    });
  });

  it('create a join token that expires', async () => {
    const { plane, remote } = await setUp();
    const made = await remote.createJoinToken({ hosts: HostPattern.parse('gpu-*'), uses: 3, validMinutes: 10 });
    expect(made).toMatchObject({ hosts: 'gpu-*', uses: 3 });
    expect(made.token).toMatch(/^strata-join-[0-9a-f]{64}$/);
    expect(made.expiresAt).toBe(plane.clock.now() + 10 * MINUTE_MS);
  });

  it('tell failures by code and keep what is unexpected inside', async () => {
    const { local, remote } = await setUp();
    await expect(remote.showModel({ reference: 'none' })).rejects.toMatchObject({
      code: 'unknown-model',
      retryable: false,
    });
    expect(await answerOperation(local, 'constructor', {})).toMatchObject({ failure: { code: 'unknown-operation' } });
    expect(await answerOperation(local, 'listModels', { limit: 'many' })).toMatchObject({
      failure: { code: 'invalid-input' },
    });
  });
});

describe('doctor', () => {
  it('sees the oldest audit entry wherever it lies in its shard', async () => {
    const world = await setUp();
    const names = Array.from({ length: 2000 }, (_, index) => `object-${index}`);
    const keys = names.map((object) => ({ object, ...UnsealedRow.key(object, 1) }));
    const shard = keys.filter(({ partition }) => partition === 'UNSEALED#0');
    const ordered = shard.toSorted((a, b) => (a.sort < b.sort ? -1 : 1)).slice(0, 101);
    const old = world.plane.clock.now();
    await world.plane.clock.advance(40 * MINUTE_MS);
    for (const [index, { object }] of ordered.entries()) {
      const at = index === 100 ? old : world.plane.clock.now();
      await world.plane.catalog.transact([UnsealedRow.put({ object, number: 1, at }, 'absent')]);
    }
    const checks = (await world.remote.doctor({})).items;
    expect(checks.find(({ check }) => check === 'audit')).toMatchObject({ status: 'FAILED' });
  });

  const failed = async ({ remote }: Awaited<ReturnType<typeof setUp>>) =>
    (await remote.doctor({})).items.filter(({ status }) => status === 'FAILED').map(({ check }) => check);

  it('passes on a plane at rest', async () => {
    const world = await setUp();
    await world.plane.upload(KEY, safetensors(200));
    await world.plane.settle();
    expect(await failed(world)).toEqual([]);
    expect((await world.remote.doctor({})).items.length).toBeGreaterThanOrEqual(6);
  });

  it.each([
    [500 * GB, 10 * GB],
    [20 * GB, GB],
    [8_000 * GB, 50 * GB],
  ])('wants of a disk of %i bytes %i free', async (totalBytes, wanted) => {
    const enough = await setUp(wanted, totalBytes);
    expect(await failed(enough)).toEqual([]);
    const less = await setUp(wanted - 1, totalBytes);
    expect(await failed(less)).toEqual(['room']);
    const room = (await less.remote.doctor({})).items.find(({ check }) => check === 'room');
    const [free, total] = [wanted - 1, totalBytes].map(formatBytes);
    expect(room?.detail).toBe(
      `${free} of ${total} free on the disk of the data folder; ${formatBytes(wanted)} should be`,
    );
  });

  it('finds prices that no list has confirmed for a week, until a book is accepted', async () => {
    const world = await setUp();
    const { clock } = world.plane;
    const [shipped] = shippedPriceBook().books;
    const asOf = Date.parse(shipped!.asOf);
    await clock.advance(asOf + 6 * DAY_MS - clock.now());
    expect(await failed(world)).not.toContain('prices');
    await clock.advance(2 * DAY_MS);
    expect(await failed(world)).toContain('prices');
    const { items } = await world.remote.doctor({});
    expect(items.find(({ status }) => status === 'FAILED')?.fix).toContain('strata prices accept FILE');
    const book = { ...shipped!, asOf: new Date(clock.now()).toISOString().slice(0, 10) };
    const accept = (dryRun: boolean) => world.remote.acceptPrices({ book: JSON.stringify(book), by: 'ada', dryRun });
    await accept(true);
    expect(await failed(world)).toContain('prices');
    expect(await accept(false)).toEqual({ id: 'aws/us-east-1', asOf: book.asOf, changes: 0, beyond: 0 });
    expect(await failed(world)).not.toContain('prices');
    const shown = await world.remote.showPrices({});
    expect([JSON.parse(shown.book), shown.checkedAt, shown.takenBy]).toEqual([book, clock.now(), 'ada']);
    await expect(world.remote.acceptPrices({ book: '{', by: 'ada', dryRun: false })).rejects.toMatchObject({
      code: 'invalid-book',
    });
  });

  it('finds a queue whose messages fail long before they are dead letters, and one whose messages wait', async () => {
    const world = await setUp();
    const { clock, queues } = world.plane;
    const told = async () => (await world.remote.doctor({})).items.find(({ check }) => check === 'queues');
    for (const queue of ['ingest', 'digest']) await queues.send(queue, [{ body: '{}' }]);
    for (const seconds of [5, 20]) {
      expect(await told()).toMatchObject({ status: 'PASSED' });
      await queues.receive('ingest', 1, 0, seconds);
      await clock.advance(seconds * SECOND_MS);
    }
    expect(await told()).toMatchObject({
      status: 'PASSED',
      detail: 'digest: 1 waiting, 0 in hand; ingest: 1 waiting, 0 in hand',
    });
    await queues.receive('ingest', 1, 0, 80);
    await queues.send('rescan', [{ body: '{}', delaySeconds: 900 }]);
    expect(await told()).toMatchObject({
      status: 'FAILED',
      detail: 'ingest: a message was delivered 3 times',
      fix: 'See the errors of the function `ingest`.',
    });
    // So long is a digest given; what is held back, as for `rescan`, waits only from then on.
    await clock.advance(83 * MINUTE_MS + 35 * SECOND_MS);
    expect(await told()).toMatchObject({
      detail: 'digest: a message has waited 84 minutes; ingest: a message was delivered 3 times',
      fix: 'See the errors of the functions `digest`, `ingest`.',
    });
  });

  it('finds unsent messages, uploads that stand still, unsealed audit entries and dead letters, each with its fix', async () => {
    const world = await setUp();
    await world.plane.deliver('{"poison":1}');
    await world.plane.settle();
    await world.plane.upload(KEY, safetensors(200));
    await world.plane.deliver(...world.plane.events());
    world.plane.loseEvents();
    await world.plane.work('ingest');
    await world.plane.clock.advance(31 * MINUTE_MS);
    expect(await failed(world)).toEqual(['outbox', 'uploads', 'audit', 'dead-letters']);
    const late = (await world.remote.doctor({})).items.filter(({ status }) => status === 'FAILED');
    expect(late.every(({ fix }) => fix !== undefined)).toBe(true);
    expect(
      (await world.plane.catalog.queryIndex('listing', { partition: 'UPLOADS#digesting', limit: 10 })).items.map(
        (item) => UploadRow.parse(item).value.key,
      ),
    ).toEqual([KEY]);
  });
});
