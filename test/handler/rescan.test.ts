import { describe, expect, it } from 'vitest';
import { createRescanHandler } from '../../functions/rescan/handler.ts';
import { createStartRescanHandler } from '../../functions/start-rescan/handler.ts';
import {
  ActionRow,
  type Blob,
  BlobRow,
  dayOf,
  expectationOf,
  ModelRow,
  NoticeRow,
  promoteAlias,
  queryAll,
  ReplicaRow,
  resolveVersion,
  type Upload,
  UploadHeadRow,
  UploadRow,
  VersionRow,
} from '../../lib/catalog/index.ts';
import { releaseUpload, startDueRescan, startRescan } from '../../lib/ingest/index.ts';
import { loadServable } from '../../lib/fleet/index.ts';
import type { ScanPolicy } from '../../lib/scanning/index.ts';
import { ActionId, type Digest, hostLocation, KeySegment, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { PortError } from '../../lib/shared/errors.ts';
import { Bytes, GIB } from '../../lib/shared/units.ts';
import { createFleetWorld, digestOf } from '../support/fleetWorld.ts';
import { createIngestPlane, type IngestPlane, safetensors } from '../support/ingestPlane.ts';
import { releases } from '../support/releases.ts';
import { sqsBatchOf, testContext } from '../support/envelopes.ts';

const TINY = ModelName.parse('tiny');
const [V1, V2, REFUSED] = [SemVer.parse('1.0.0'), SemVer.parse('1.1.0'), SemVer.parse('0.1.0')];
const key = (version: SemVer) => `uploads/tiny/${version}/tiny.safetensors`;

/** What a release finds that is taken back again. */
interface Taken {
  readonly plane: IngestPlane;
  readonly state: ReturnType<typeof releases>['state'];
  /** Of a published version. */
  readonly digest: Digest;
  /** In quarantine. */
  readonly refused: Upload;
  /** Bytes that nobody has uploaded yet. */
  readonly later: Uint8Array;
}

async function send(plane: IngestPlane, message: object): Promise<void> {
  const body = { rescanId: 'earlier', correlationId: 'r', ...message };
  await plane.queues.send('rescan', [{ body: JSON.stringify(body) }]);
}

async function twoVersions() {
  const { state, scanner } = releases();
  const plane = await createIngestPlane({ scanner });
  for (const name of ['rescan', 'rescan-dlq']) plane.queues.define(name);
  const [good, later] = [safetensors(100), safetensors(200)];
  await plane.upload(key(V1), good);
  await plane.settle();
  await plane.upload(key(V2), later);
  await plane.settle();
  return { plane, state, scanner, good, later };
}

/** Everything that the queue `rescan` leads to, every message delivered twice, and in a batch of its own. */
async function rescanAll(plane: IngestPlane): Promise<void> {
  const handler = createRescanHandler(plane.deps);
  for (let idle = 0; idle < 2; ) {
    await plane.relayOnce();
    await plane.clock.advance(16 * 60_000);
    const received = await plane.queues.receive('rescan', 10, 0, 60);
    idle = received.length === 0 ? idle + 1 : 0;
    for (const message of received) {
      for (let times = 0; times < 2; times += 1) {
        const { batchItemFailures } = await handler(sqsBatchOf([message]), testContext());
        expect(batchItemFailures).toEqual([]);
      }
      await plane.queues.remove('rescan', message.receiptHandle);
    }
  }
}

/**
 * How many re-scans start in each of three hours after a deployment, where the function `rescan` is of the release before until a minute,
 * and has a page to read besides in some minutes.
 */
async function startsByHour(behindUntil: number, hasPage: (minute: number) => boolean): Promise<readonly number[]> {
  const { plane, state } = await twoVersions();
  const [start, rescan] = [createStartRescanHandler(plane.deps), createRescanHandler(plane.deps)];
  const told = () => plane.telemetry.metrics.filter(({ name }) => name === 'RescansStarted').length;
  const byHour: number[] = [];
  for (let minute = 0; minute < 180; minute += 1) {
    state.rules = 'rules-2';
    const fired = { schedule: 'rescan', scheduledTime: new Date(plane.clock.now()).toISOString() };
    if (minute % 10 === 0) await start(fired, testContext());
    state.rules = minute < behindUntil ? 'rules-1' : 'rules-2';
    if (hasPage(minute)) await send(plane, { schema: 'rescan-page/1', of: 'quarantine', shard: 0, all: false });
    await plane.relayOnce();
    for (let page; (page = (await plane.queues.receive('rescan', 1, 0, 60))[0]) !== undefined; ) {
      await rescan(sqsBatchOf([page]), testContext());
      await plane.queues.remove('rescan', page.receiptHandle);
    }
    await plane.clock.advance(60_000);
    if (minute % 60 === 59) byHour.push(told() - byHour.reduce((sum, starts) => sum + starts, 0));
  }
  return byHour;
}

async function notices(plane: IngestPlane) {
  const items = await queryAll(plane.catalog, { partition: `NOTICES#${dayOf(plane.clock.now())}` });
  return items.map((item) => NoticeRow.parse(item).value.event.change);
}

/** What the release that was just deployed has judged again. */
async function rescanByRules(plane: IngestPlane): Promise<void> {
  await startDueRescan(plane.deps);
  await rescanAll(plane);
}

async function blobs(plane: IngestPlane): Promise<readonly Blob[]> {
  const found: Blob[] = [];
  for (let shard = 0; shard < 16; shard += 1) {
    const page = await plane.catalog.queryIndex('listing', { partition: `SWEEP#${shard}`, limit: 100 });
    found.push(...page.items.map((item) => BlobRow.parse(item).value));
  }
  return found;
}

describe('a deployment with other rules', () => {
  it('has everything judged again, once, and serves it again', async () => {
    const { plane, state } = await twoVersions();
    state.rules = 'rules-2';
    expect(await loadServable(plane.catalog, TINY, V1, 'rules-2')).toMatchObject({ reason: 'stale-rules' });
    expect(await startDueRescan(plane.deps)).toMatchObject({ started: true });
    expect(await startDueRescan(plane.deps)).toMatchObject({ started: false });
    await rescanAll(plane);
    expect((await blobs(plane)).map(({ findings }) => findings.rules)).toEqual(['rules-2', 'rules-2']);
    expect(await loadServable(plane.catalog, TINY, V1, 'rules-2')).toMatchObject({ outcome: 'servable' });
  });

  it('that were in force before has everything judged again, once each time', async () => {
    const { plane, state } = await twoVersions();
    for (const rules of ['rules-1', 'rules-2', 'rules-1', 'rules-2']) {
      state.rules = rules;
      await rescanByRules(plane);
      expect(await startDueRescan(plane.deps)).toMatchObject({ started: false });
      expect(await loadServable(plane.catalog, TINY, V1, rules)).toMatchObject({ outcome: 'servable' });
    }
  });

  it.each([
    ['published', async ({ plane, later }: Taken) => void (await plane.upload(key(V2), later))],
    [
      'published by an older verdict of its own',
      async ({ plane, state, later }: Taken) => {
        await plane.upload(key(V2), later);
        await plane.deliver(...plane.events());
        plane.loseEvents();
        await plane.work('ingest');
        state.rules = 'rules-1';
        await rescanByRules(plane);
        state.rules = 'rules-2';
      },
    ],
    [
      'refused',
      async ({ plane, state, later }: Taken) => {
        state.bad.add(later.length);
        await plane.upload(key(V2), later);
      },
    ],
    ['judged once more', ({ plane, digest }: Taken) => send(plane, { schema: 'rescan-blob/1', digest, hop: 0 })],
    [
      'judged once more, in quarantine',
      async ({ plane, refused: { versionId } }: Taken) =>
        send(plane, { schema: 'rescan-upload/1', key: key(REFUSED), versionId, hop: 0 }),
    ],
    [
      'passed over by a re-scan',
      ({ plane }: Taken) => send(plane, { schema: 'rescan-page/1', of: 'blobs', shard: 0, all: false }),
    ],
  ])('that is taken back before the schedule has seen it leaves nothing that it has %s', async (_what, happens) => {
    const { state, scanner } = releases();
    const plane = await createIngestPlane({ scanner });
    plane.queues.define('rescan-dlq');
    plane.queues.define('rescan');
    const later = safetensors(200);
    state.bad.add(safetensors(300).length);
    await plane.upload(key(V1), safetensors(100));
    await plane.upload(key(REFUSED), safetensors(300));
    await plane.settle();
    await rescanByRules(plane);
    const [{ digest }] = (await blobs(plane)) as [Blob];
    const refused = (await uploadOf(plane, REFUSED)) ?? expect.fail();

    state.rules = 'rules-2';
    await happens({ plane, state, digest, refused, later });
    await plane.settle();
    await rescanAll(plane);
    state.rules = 'rules-1';
    state.bad.delete(later.length);
    expect(await startDueRescan(plane.deps)).toMatchObject({ started: true });
    expect(await startDueRescan(plane.deps)).toMatchObject({ started: false });
    await rescanAll(plane);
    expect((await blobs(plane)).map(({ findings }) => findings.rules)).not.toContain('rules-2');
    for (const version of [V2, REFUSED]) {
      const { findings, quarantine } = (await uploadOf(plane, version)) ?? {};
      if (quarantine !== undefined) expect(findings?.rules).toBe('rules-1');
    }
    expect(await startDueRescan(plane.deps)).toMatchObject({ started: false });
  });

  it('has everything judged once, although a second re-scan sends it again while the messages of the first one wait', async () => {
    const { state, scanner } = releases();
    const plane = await createIngestPlane({ scanner });
    state.bad.add(safetensors(300).length);
    await plane.upload(key(V1), safetensors(100));
    await plane.upload(key(REFUSED), safetensors(300));
    await plane.settle();
    state.rules = 'rules-2';
    await startDueRescan(plane.deps);
    state.rules = 'rules-1';
    await send(plane, { schema: 'rescan-page/1', of: 'blobs', shard: 0, all: false });
    const late = await plane.queues.receive('rescan', 10, 0, 60);
    await createRescanHandler(plane.deps)(sqsBatchOf(late), testContext());
    for (const { receiptHandle } of late) await plane.queues.remove('rescan', receiptHandle);
    state.rules = 'rules-2';
    await plane.clock.advance(10 * 60_000);
    expect(await startDueRescan(plane.deps)).toMatchObject({ started: true });
    const before = state.verdicts;
    await rescanAll(plane);
    expect(state.verdicts - before).toBe(2);
    expect((await blobs(plane)).map(({ findings }) => findings.rules)).toEqual(['rules-2']);
    expect((await uploadOf(plane, REFUSED))?.findings?.rules).toBe('rules-2');
    expect(await startRescan(plane.deps)).toMatchObject({ started: true });
    await rescanAll(plane);
    expect(state.verdicts - before).toBeGreaterThanOrEqual(4);
  });

  it('withdraws the version of a blob whose verdict was written by a call that ended right after it', async () => {
    const { plane, state, later } = await twoVersions();
    state.rules = 'rules-2';
    const { rescanId } = await startDueRescan(plane.deps);
    const { digest } = (await blobs(plane)).find(({ size }) => size === later.length) ?? expect.fail();
    const row = (await BlobRow.get(plane.catalog, digest)) ?? expect.fail();
    const findings = { ...row.value.findings, rules: 'rules-2', status: 'malicious' as const };
    await plane.catalog.transact([BlobRow.put({ ...row.value, findings }, expectationOf(row))]);
    await send(plane, { schema: 'rescan-blob/1', rescanId, digest, hop: 0 });
    await rescanAll(plane);
    expect((await VersionRow.get(plane.catalog, TINY, V2))?.value.withdrawn).toMatchObject({ reason: 'malicious' });
    expect((await ModelRow.get(plane.catalog, TINY))?.value.newest).toBe(V1);
  });

  it('withdraws what an older release published under a name that promises another format', async () => {
    const { plane, state } = await twoVersions();
    const [notes, renamed] = [SemVer.parse('1.2.0'), 'notes.safetensors'];
    await plane.upload(`uploads/tiny/${notes}/notes.txt`, 'not a tensor');
    await plane.settle();
    const row = (await VersionRow.get(plane.catalog, TINY, notes)) ?? expect.fail();
    const files = row.value.files.map((one) => ({ ...one, file: KeySegment.parse(renamed) }));
    await plane.catalog.transact([VersionRow.put({ ...row.value, files }, expectationOf(row))]);
    expect(await loadServable(plane.catalog, TINY, notes, 'rules-1')).toMatchObject({ reason: 'not-clean' });
    state.rules = 'rules-2';
    await rescanByRules(plane);
    expect((await VersionRow.get(plane.catalog, TINY, notes))?.value.withdrawn).toMatchObject({ reason: 'invalid' });
    expect((await ModelRow.get(plane.catalog, TINY))?.value.newest).toBe(V2);
    const items = await queryAll(plane.catalog, { partition: `NOTICES#${dayOf(plane.clock.now())}` });
    expect(items.map((item) => NoticeRow.parse(item).value.event.text).join()).toContain(
      `file.misnamed: ${renamed}: the name ends in .safetensors, but the content is text`,
    );
  });

  it('ends what an operator released under such a name', async () => {
    const { plane, state } = await twoVersions();
    await plane.upload(key(REFUSED), 'not a tensor');
    await plane.settle();
    const release = { key: key(REFUSED), reason: 'our loader reads it', by: 'ops', dryRun: false };
    await releaseUpload(plane.deps, release);
    await plane.settle();
    expect(await loadServable(plane.catalog, TINY, REFUSED, 'rules-1')).toMatchObject({ outcome: 'servable' });
    state.rules = 'rules-2';
    await rescanByRules(plane);
    expect(await loadServable(plane.catalog, TINY, REFUSED, 'rules-2')).toMatchObject({ reason: 'not-clean' });
  });

  it('is told run after run while a function judges by the rules before', async () => {
    const { plane, state } = await twoVersions();
    const run = async () => {
      state.rules = 'rules-2';
      const fired = { schedule: 'rescan', scheduledTime: new Date(plane.clock.now()).toISOString() };
      await createStartRescanHandler(plane.deps)(fired, testContext());
    };
    const told = () => plane.telemetry.metrics.filter(({ name }) => name === 'RescansStarted').length;
    await run();
    for (let runs = 2; runs <= 4; runs += 1) {
      state.rules = 'rules-1';
      await send(plane, { schema: 'rescan-page/1', of: 'quarantine', shard: 0, all: false });
      const [page] = await plane.queues.receive('rescan', 10, 0, 60);
      await createRescanHandler(plane.deps)(sqsBatchOf([page ?? expect.fail()]), testContext());
      await plane.clock.advance(10 * 60_000);
      await run();
      expect(told()).toBe(runs);
    }
    await rescanAll(plane);
    await run();
    expect(told()).toBe(4);
  });

  // The alarm `rescans-endless` (infra/capabilities/rescanAlarm.ts) tells these two apart.
  it('starts three re-scans in each hour where the function `rescan` stays behind, without anything that it could judge', async () => {
    expect(await startsByHour(Number.POSITIVE_INFINITY, () => false)).toEqual([3, 3, 3]);
  });

  it('starts three re-scans in one hour where calls of the release before end a quarter of an hour later', async () => {
    expect(await startsByHour(15, (minute) => minute < 15)).toEqual([3, 0, 0]);
  });

  it('measures how small those blobs would get that were stored before it was measured', async () => {
    const { plane, state } = await twoVersions();
    const before = await blobs(plane);
    for (const { digest } of before) {
      const row = await BlobRow.get(plane.catalog, digest);
      if (row === undefined) throw new Error('no blob');
      const { compressibility: _, ...older } = row.value;
      await plane.catalog.transact([BlobRow.put(older, expectationOf(row))]);
    }
    state.rules = 'rules-2';
    await rescanByRules(plane);
    const after = await blobs(plane);
    expect(after.map(({ compressibility }) => compressibility?.ratio)).toEqual([
      expect.any(Number),
      expect.any(Number),
    ]);
    expect(after.map(({ compressibility }) => compressibility)).toEqual(
      before.map(({ compressibility }) => compressibility),
    );
  });

  it.each([
    ['good', true, ['tiny@1.0.0']],
    ['bad', true, []],
    ['good', undefined, []],
  ] as const)(
    'asks once which hosts hold what came back %s from an archive (place: %s)',
    async (found, place, asked) => {
      const { plane, state, good } = await twoVersions();
      const [digest] = (await blobs(plane)).filter(({ size }) => size === good.length).map((one) => one.digest);
      for (const _ of [1, 2]) await plane.relayOnce();
      await plane.queues.receive('placement', 10, 0, 60);
      state.rules = 'rules-2';
      if (found === 'bad') state.bad.add(good.length);
      const back = place === undefined ? {} : { place };
      const body = {
        schema: 'rescan-blob/1',
        rescanId: 'after-restore-1',
        digest,
        hop: 0,
        correlationId: 'r',
        ...back,
      };
      await plane.queues.send('rescan', [{ body: JSON.stringify(body) }]);
      await rescanAll(plane);
      const sent = (await plane.queues.receive('placement', 10, 0, 60)).map((one) => JSON.parse(one.body));
      const placed = sent.filter(({ correlationId, schema }) => schema === 'place-model/1' && correlationId === 'r');
      expect(placed.map(({ model, version }) => `${model}@${version}`)).toEqual(asked);
    },
  );

  it('settles the verdict without that estimate where the bytes cannot be read for good', async () => {
    const { state, scanner } = releases();
    const plane = await createIngestPlane({ scanner });
    for (const name of ['rescan', 'rescan-dlq']) plane.queues.define(name);
    await plane.upload(key(V1), safetensors(100));
    await plane.settle();
    const [{ digest }] = (await blobs(plane)) as [Blob];
    const row = await BlobRow.get(plane.catalog, digest);
    const { compressibility: _, ...older } = row!.value;
    await plane.catalog.transact([BlobRow.put(older, expectationOf(row))]);
    state.rules = 'rules-2';
    // Only the scanner may read.
    let scans = false;
    const judgeInSteps: typeof scanner.judgeInSteps = async (reader, options) => {
      scans = true;
      return scanner.judgeInSteps(reader, options).finally(() => {
        scans = false;
      });
    };
    const readRange: typeof plane.deps.objects.readRange = (...asked) => {
      if (scans) return plane.deps.objects.readRange(...asked);
      return Promise.reject(new PortError({ code: 'access-denied', message: 'denied', retryable: false }));
    };
    const objects = { ...plane.deps.objects, readRange };
    const rules = { ...scanner, rules: state.rules, judgeInSteps };
    await rescanByRules({ ...plane, deps: { ...plane.deps, objects, scanner: rules } });
    const after = await blobs(plane);
    expect(after).toMatchObject([{ digest, findings: { rules: 'rules-2' } }]);
    expect(after[0]?.compressibility).toBeUndefined();
  });

  it.each(['published', 'quarantined'])('is not overtaken by a call of the release before it: %s', async (kept) => {
    const { state, scanner } = releases();
    const plane = await createIngestPlane({ scanner });
    for (const name of ['rescan', 'rescan-dlq']) plane.queues.define(name);
    const bytes = safetensors(300);
    if (kept === 'quarantined') state.bad.add(bytes.length);
    await plane.upload(key(V1), bytes);
    await plane.settle();
    state.rules = 'rules-2';
    await rescanByRules(plane);
    const late: typeof scanner.judgeInSteps = async (reader, options) => {
      const judged = await scanner.judgeInSteps(reader, options);
      state.rules = 'rules-3';
      if (!state.bad.delete(bytes.length)) state.bad.add(bytes.length);
      await rescanByRules(plane);
      return judged;
    };
    const deps = { ...plane.deps, scanner: { ...scanner, rules: 'rules-2', judgeInSteps: late } };
    const upload = (await uploadOf(plane)) ?? expect.fail();
    const { versionId, digest } = upload;
    const place = { rescanId: 'r', hop: 0, correlationId: 'r' };
    const body =
      kept === 'published'
        ? { schema: 'rescan-blob/1', digest, ...place }
        : { schema: 'rescan-upload/1', key: key(V1), versionId, ...place };
    await plane.queues.send('rescan', [{ body: JSON.stringify(body) }]);
    const received = await plane.queues.receive('rescan', 10, 0, 60);
    const { batchItemFailures } = await createRescanHandler(deps)(sqsBatchOf(received), testContext());
    expect(batchItemFailures).toHaveLength(1);
    expect((kept === 'published' ? (await blobs(plane))[0] : await uploadOf(plane))?.findings).toMatchObject({
      rules: 'rules-3',
      status: kept === 'published' ? 'malicious' : 'clean',
    });
  });

  it('withdraws what became bad: latest, aliases and servability, and brings it back when it is good again', async () => {
    const { plane, state, later } = await twoVersions();
    const now = plane.clock.now();
    for (const version of [V1, V2]) {
      await promoteAlias(plane.catalog, { model: TINY, alias: 'stable', version, now, dryRun: false });
    }
    state.rules = 'rules-2';
    state.bad.add(later.length);
    await rescanByRules(plane);
    expect((await VersionRow.get(plane.catalog, TINY, V2))?.value).toMatchObject({
      deprecated: true,
      withdrawn: { reason: 'malicious' },
    });
    expect((await ModelRow.get(plane.catalog, TINY))?.value.newest).toBe(V1);
    expect(await resolveVersion(plane.catalog, TINY, 'stable')).toMatchObject({ version: { version: V1 } });
    expect(await loadServable(plane.catalog, TINY, V2, 'rules-2')).toMatchObject({ reason: 'not-clean' });
    expect((await plane.messages('placement')).filter(isWithdrawal)).toHaveLength(1);
    expect(await notices(plane)).toEqual(['withdrawn']);

    state.rules = 'rules-3';
    state.bad.clear();
    await rescanByRules(plane);
    expect((await VersionRow.get(plane.catalog, TINY, V2))?.value).not.toHaveProperty('withdrawn');
    expect((await ModelRow.get(plane.catalog, TINY))?.value.newest).toBe(V2);
    expect(await loadServable(plane.catalog, TINY, V2, 'rules-3')).toMatchObject({ outcome: 'servable' });
    expect(await notices(plane)).toContain('restored');
  });

  it('brings it back as well when an upload of the same bytes finds them good', async () => {
    const { plane, state, later } = await twoVersions();
    state.rules = 'rules-2';
    state.bad.add(later.length);
    await rescanByRules(plane);
    expect((await VersionRow.get(plane.catalog, TINY, V2))?.value.withdrawn).toBeDefined();
    state.rules = 'rules-3';
    state.bad.clear();
    await plane.upload('uploads/tiny/1.2.0/tiny.safetensors', later);
    await plane.settle();
    await rescanAll(plane);
    expect((await VersionRow.get(plane.catalog, TINY, V2))?.value.withdrawn).toBeUndefined();
  });

  it('brings it back as well where another policy finds them good, and withdraws all when that is taken back unseen', async () => {
    const scanPolicy: ScanPolicy = { allowSuspicious: false };
    const plane = await createIngestPlane({ scanPolicy });
    const large = safetensors(300);
    await plane.upload(key(REFUSED), safetensors(10));
    await plane.settle();
    await plane.upload(key(V1), large);
    await plane.settle();
    scanPolicy.maxBytes = 200;
    await rescanByRules(plane);
    const newest = async () => (await ModelRow.get(plane.catalog, TINY))?.value.newest;
    expect(await newest()).toBe(REFUSED);

    delete scanPolicy.maxBytes;
    await plane.upload(key(V2), large);
    await plane.settle();
    expect(await newest()).toBe(V2);
    expect(await loadServable(plane.catalog, TINY, V2, plane.deps.scanner.rules)).toMatchObject({
      outcome: 'servable',
    });
    expect((await plane.messages('rescan')).length).toBe(1);

    scanPolicy.maxBytes = 200;
    await rescanByRules(plane);
    expect(await newest()).toBe(REFUSED);
    for (const version of [V1, V2]) {
      expect((await VersionRow.get(plane.catalog, TINY, version))?.value.withdrawn).toMatchObject({ reason: 'size' });
    }
  });

  it('offers what became good in quarantine, and publishes it when an operator says so', async () => {
    const { scanner, state } = releases();
    const plane = await createIngestPlane({ scanner });
    for (const name of ['rescan', 'rescan-dlq']) plane.queues.define(name);
    const bytes = safetensors(300);
    state.bad.add(bytes.length);
    await plane.upload(key(V1), bytes);
    await plane.settle();
    state.rules = 'rules-2';
    state.bad.clear();
    await rescanByRules(plane);
    expect(await uploadOf(plane)).toMatchObject({ state: 'quarantined', quarantine: { reason: 'releasable' } });
    await releaseUpload(plane.deps, { key: key(V1), reason: 'the rules say so', by: 'ada', dryRun: false });
    await plane.settle();
    expect(await uploadOf(plane)).toMatchObject({ state: 'ready' });
    expect(await loadServable(plane.catalog, TINY, V1, 'rules-2')).toMatchObject({ outcome: 'servable' });
  });

  it('leaves an upload whose bytes alone are refused, and tries again where everything is', async () => {
    const { scanner, state } = releases();
    const plane = await createIngestPlane({ scanner });
    for (const name of ['rescan', 'rescan-dlq']) plane.queues.define(name);
    const [bytes, other] = [safetensors(300), safetensors(200)];
    state.bad.add(bytes.length);
    await plane.upload(key(V1), bytes);
    await plane.upload(key(V2), other);
    await plane.settle();
    state.rules = 'rules-2';
    state.bad.clear();
    const upload = (await uploadOf(plane)) ?? expect.fail();
    const denying = (of: (asked: string) => boolean) => {
      const readRange: typeof plane.deps.objects.readRange = (...asked) =>
        of(asked[0])
          ? Promise.reject(new PortError({ code: 'access-denied', message: 'denied', retryable: false }))
          : plane.deps.objects.readRange(...asked);
      return { ...plane.deps, objects: { ...plane.deps.objects, readRange } };
    };
    await rescanByRules({ ...plane, deps: denying((asked) => asked === key(V1)) });
    expect(await uploadOf(plane)).toEqual(upload);

    const { versionId } = upload;
    await send(plane, { schema: 'rescan-upload/1', key: key(V1), versionId, hop: 0 });
    const received = await plane.queues.receive('rescan', 10, 0, 60);
    const { batchItemFailures } = await createRescanHandler(denying(() => true))(sqsBatchOf(received), testContext());
    expect(batchItemFailures).toHaveLength(1);
  });

  it('offers nothing whose deletion has begun since it was asked for', async () => {
    const { scanner, state } = releases();
    const plane = await createIngestPlane({ scanner });
    for (const name of ['rescan', 'rescan-dlq']) plane.queues.define(name);
    const bytes = safetensors(300);
    state.bad.add(bytes.length);
    await plane.upload(key(V1), bytes);
    await plane.settle();
    const upload = (await uploadOf(plane)) ?? expect.fail();
    const row = (await UploadRow.get(plane.catalog, key(V1), upload.versionId)) ?? expect.fail();
    const removal = { at: plane.clock.now(), reason: 'quarantined-for-long', done: false } as const;
    await plane.catalog.transact([UploadRow.put({ ...upload, removal }, expectationOf(row))]);
    state.rules = 'rules-2';
    state.bad.clear();
    const { versionId } = upload;
    const body = { schema: 'rescan-upload/1', rescanId: 'r', key: key(V1), versionId, hop: 0, correlationId: 'r' };
    await plane.queues.send('rescan', [{ body: JSON.stringify(body) }]);
    await rescanAll(plane);
    expect(await uploadOf(plane)).toMatchObject({ quarantine: upload.quarantine, removal: { done: false } });
    expect(await notices(plane)).not.toContain('releasable');
  });
});

function isWithdrawal(message: unknown): boolean {
  return JSON.stringify(message).includes('withdraw-blob/1');
}

async function uploadOf(plane: IngestPlane, version = V1) {
  const items = await queryAll(plane.catalog, {
    partition: `UPLOAD#${key(version)}`,
    from: 'VERSION#',
    to: 'VERSION$',
  });
  return items.map((item) => UploadRow.parse(item).value)[0];
}

describe('an operator’s override', () => {
  async function overridden() {
    const { scanner, state } = releases();
    const scanPolicy: ScanPolicy = { allowSuspicious: false };
    const plane = await createIngestPlane({ scanner, scanPolicy });
    for (const name of ['rescan', 'rescan-dlq']) plane.queues.define(name);
    const bytes = safetensors(300);
    state.bad.add(bytes.length);
    await plane.upload(key(V1), bytes);
    await plane.settle();
    await releaseUpload(plane.deps, { key: key(V1), reason: 'read by hand', by: 'ada', dryRun: false });
    return { plane, state, scanPolicy };
  }

  it('stands although the policy changes before the publication', async () => {
    const { plane, scanPolicy } = await overridden();
    scanPolicy.maxBytes = 10;
    await plane.settle();
    expect(await uploadOf(plane)).toMatchObject({ state: 'ready', findings: { admission: { by: 'ada' } } });
  });

  it('stands although another policy judges the same bytes once more', async () => {
    const { plane, state, scanPolicy } = await overridden();
    await plane.settle();
    state.bad.clear();
    scanPolicy.formats = ['safetensors'];
    await plane.upload(key(V2), safetensors(300));
    await plane.settle();
    expect((await blobs(plane)).map(({ findings }) => findings)).toMatchObject([{ admission: { by: 'ada' } }]);
  });

  it('serves the bytes, says who and why, and survives a re-scan by the same rules', async () => {
    const { plane } = await overridden();
    await plane.settle();
    const admission = { serve: true, reason: 'overridden', by: 'ada', text: 'read by hand' };
    expect((await blobs(plane))[0]?.findings).toMatchObject({ status: 'malicious', admission });
    expect(await loadServable(plane.catalog, TINY, V1, 'rules-1')).toMatchObject({ outcome: 'servable' });
    await startRescan(plane.deps);
    await rescanAll(plane);
    expect(await loadServable(plane.catalog, TINY, V1, 'rules-1')).toMatchObject({ outcome: 'servable' });
  });

  it('ends with the rules that it was given under', async () => {
    const { plane, state } = await overridden();
    await plane.settle();
    state.rules = 'rules-2';
    await rescanByRules(plane);
    expect(await loadServable(plane.catalog, TINY, V1, 'rules-2')).toMatchObject({ reason: 'not-clean' });
  });

  it('does not outlive a change of the rules before the publication', async () => {
    const { plane, state } = await overridden();
    state.rules = 'rules-2';
    await plane.settle();
    await plane.clock.advance(2 * 60_000);
    await plane.settle();
    expect(await uploadOf(plane)).toMatchObject({ state: 'quarantined', quarantine: { reason: 'malicious' } });
    expect(await VersionRow.get(plane.catalog, TINY, V1)).toBeUndefined();
  });

  it.each([
    ['nothing is in quarantine', 'uploads/none/1.0.0/x', 'because'],
    ['no reason is given', key(V1), ' '],
  ])('is refused where %s', async (_name, wanted, reason) => {
    const { scanner, state } = releases();
    const plane = await createIngestPlane({ scanner });
    state.bad.add(safetensors(300).length);
    await plane.upload(key(V1), safetensors(300));
    await plane.settle();
    await expect(releaseUpload(plane.deps, { key: wanted, reason, by: 'ada', dryRun: false })).rejects.toMatchObject({
      code: 'not-releasable',
    });
  });

  it('is refused where other bytes came under the key, or other rules judged them, since they were looked at', async () => {
    const { scanner, state } = releases();
    const plane = await createIngestPlane({ scanner });
    for (const name of ['rescan', 'rescan-dlq']) plane.queues.define(name);
    state.bad.add(safetensors(300).length);
    await plane.upload(key(V1), safetensors(300));
    await plane.settle();
    const wish = { key: key(V1), reason: 'read by hand', by: 'ada' };
    const { versionId, findings } = await releaseUpload(plane.deps, { ...wish, dryRun: true });
    const seen = { ...wish, versionId, rules: findings?.rules, dryRun: false };
    state.rules = 'rules-2';
    await rescanByRules(plane);
    await expect(releaseUpload(plane.deps, seen)).rejects.toThrow('judged anew since');
    await plane.upload(key(V1), safetensors(300, 7));
    await plane.settle();
    await expect(releaseUpload(plane.deps, { ...seen, rules: 'rules-2' })).rejects.toThrow('uploaded anew since');
    const { versionId: second } = await releaseUpload(plane.deps, { ...wish, dryRun: true });
    expect(second).not.toBe(versionId);
    await releaseUpload(plane.deps, { ...seen, versionId: second, rules: 'rules-2' });
    await plane.settle();
    expect((await VersionRow.get(plane.catalog, TINY, V1))?.value.files).toHaveLength(1);
  });

  it('is refused where other bytes come under the key while it is given', async () => {
    const { scanner, state } = releases();
    const plane = await createIngestPlane({ scanner });
    state.bad.add(safetensors(300).length);
    await plane.upload(key(V1), safetensors(300));
    await plane.settle();
    const { versionId } = (await uploadOf(plane)) ?? expect.fail();
    const overtaken: typeof plane.catalog = {
      ...plane.catalog,
      async transact(changes) {
        const head = (await UploadHeadRow.get(plane.catalog, key(V1))) ?? expect.fail();
        // Seen by now, and not judged yet.
        const next = UploadHeadRow.put({ ...head.value, versionId: 'newer' }, expectationOf(head));
        if (head.value.versionId === versionId) await plane.catalog.transact([next]);
        return plane.catalog.transact(changes);
      },
    };
    const wish = { key: key(V1), versionId, reason: 'read by hand', by: 'ada', dryRun: false };
    await expect(releaseUpload({ ...plane.deps, catalog: overtaken }, wish)).rejects.toMatchObject({
      code: 'not-releasable',
    });
    expect((await uploadOf(plane))?.state).toBe('quarantined');
  });

  it('is refused for what no verdict refused', async () => {
    const { plane, good } = await twoVersions();
    await plane.upload(key(V1), safetensors(good.length - 60, 7));
    await plane.settle();
    const refused = releaseUpload(plane.deps, { key: key(V1), reason: 'mine', by: 'ada', dryRun: false });
    await expect(refused).rejects.toMatchObject({ code: 'not-releasable' });
  });
});

describe('the hosts of a withdrawn blob', () => {
  async function cached() {
    const world = createFleetWorld();
    const host = await world.addHost('host-a');
    await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
    await world.run();
    await world.deliver('placement', await world.publish('tiny', '1.0.0', { 'a.safetensors': 'a' }));
    const [fill] = await world.run();
    if (fill === undefined) throw new Error('nothing was placed');
    await world.deliver('receipts', host.receipt(fill));
    const row = await BlobRow.get(world.catalog, digestOf('a'));
    if (row === undefined) throw new Error('no blob');
    const findings = { ...row.value.findings, status: 'malicious' as const };
    await world.catalog.transact([BlobRow.put({ ...row.value, findings }, { version: row.version })]);
    return { world, host, fill };
  }
  const withdrawal = { schema: 'withdraw-blob/1', digest: digestOf('a'), hop: 0, correlationId: 'rescan' };

  it('evict it, and are asked again while they still hold it', async () => {
    const { world, host } = await cached();
    await world.deliver('placement', withdrawal);
    const sent = await world.takeOutbox();
    const again = sent.find(({ body }) => JSON.stringify(body).includes('withdraw-blob/1'));
    expect(sent.map(({ queue }) => queue).sort()).toEqual([host.session.queue, 'placement'].sort());
    expect(again?.body).toMatchObject({ hop: 1 });
    expect((await world.replica('a', 'host-a'))?.state).toBe('evicting');
    await world.deliver('placement', withdrawal);
    expect(await world.takeOutbox()).toEqual([]);
  });

  it('are asked again when one of them says that it has fetched it once more', async () => {
    const { world, host, fill } = await cached();
    const local = { origin: 'local', digest: digestOf('a') } as const;
    const [none, some] = [Bytes.parse(0), Bytes.parse(GIB)];
    const measured = { bytesBefore: some, bytesAfter: none, usedBytes: none, capacityBytes: some };
    const gone = { ...local, type: 'evict', measured } as const;
    await world.deliver('receipts', host.receipt(fill, { ...gone, actionId: ActionId.parse('local-1') }));
    await world.deliver('placement', withdrawal);
    expect(await world.takeOutbox()).toEqual([]);
    await world.clock.advance(1000);
    await world.deliver('receipts', host.receipt(fill, { ...local, actionId: ActionId.parse('local-2') }));
    const [again] = await world.takeOutbox();
    expect(again).toMatchObject({ queue: 'placement', body: { schema: 'withdraw-blob/1', digest: digestOf('a') } });
  });

  it('are not commanded where the blob may be served again', async () => {
    const { world } = await cached();
    const row = await BlobRow.get(world.catalog, digestOf('a'));
    if (row === undefined) throw new Error('no blob');
    const findings = { ...row.value.findings, status: 'clean' as const };
    await world.catalog.transact([BlobRow.put({ ...row.value, findings }, { version: row.version })]);
    await world.deliver('placement', withdrawal);
    expect(await world.takeOutbox()).toEqual([]);
  });

  it('lose a pin first', async () => {
    const { world, host } = await cached();
    const row = await ReplicaRow.get(world.catalog, digestOf('a'), hostLocation('nvme', host.id));
    if (row === undefined) throw new Error('no copy');
    await world.catalog.transact([ReplicaRow.put({ ...row.value, pinned: true }, { version: row.version })]);
    await world.deliver('placement', withdrawal);
    const page = await world.catalog.queryIndex('listing', { partition: `ACTIONS#BLOB#${digestOf('a')}`, limit: 9 });
    const types = page.items.map((item) => ActionRow.parse(item).value).map(({ type, reason }) => `${type} ${reason}`);
    expect(types).toContain('unpin withdrawn');
  });
});
