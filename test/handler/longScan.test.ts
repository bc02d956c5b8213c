import { describe, expect, it } from 'vitest';
import {
  dayOf,
  expectationOf,
  NoticeRow,
  queryAll,
  type Upload,
  UploadRow,
  VersionRow,
} from '../../lib/catalog/index.ts';
import { SCANNER, type Scanner, type ScanPolicy } from '../../lib/scanning/index.ts';
import { PortError } from '../../lib/shared/errors.ts';
import { ModelName, SemVer } from '../../lib/shared/ids.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lib/shared/units.ts';
import { createIngestPlane, type IngestPlane, safetensors } from '../support/ingestPlane.ts';

const KEY = 'uploads/forest/1.0.0/forest.bin';
const FOREST = ModelName.parse('forest');
const V1 = SemVer.parse('1.0.0');
const CALL = "0cos\nsystem\n(S'id'\ntR";

/** A pickle of some 250 KB of tuples; `tail` are its last opcodes before STOP. */
function longPickle(tail = ''): Buffer {
  const tuple = '(G\x40\x09\x21\xfb\x54\x44\x2d\x18U\x03abct';
  return Buffer.from(`\x80\x02](${tuple.repeat(16_000)}e${tail}.`, 'latin1');
}

/** Headers of 100 KB, and steps that pause after each of their first windows; `steps` counts them. */
function impatient() {
  const told = { steps: 0 };
  const scanner: Scanner = {
    ...SCANNER,
    judgeHeader: (reader, options) => SCANNER.judgeHeader(reader, { ...options, maxBytes: 100_000 }),
    judgeInSteps: (reader, options) => {
      told.steps += 1;
      let asked = 0;
      return SCANNER.judgeInSteps(reader, { ...options, pauseIsDue: () => (asked += 1) > 2 });
    },
  };
  return { scanner, told };
}

async function uploadsOf(plane: IngestPlane) {
  const page = await plane.catalog.query({ partition: `UPLOAD#${KEY}`, from: 'VERSION#', to: 'VERSION$', limit: 100 });
  return page.items.map((item) => UploadRow.parse(item).value);
}

async function noticesOf(plane: IngestPlane) {
  const items = await queryAll(plane.catalog, { partition: `NOTICES#${dayOf(plane.clock.now())}` });
  return items.map((item) => NoticeRow.parse(item).value.event);
}

describe('an upload whose verdict needs more than one call', () => {
  it('is judged step by step and published', async () => {
    const { scanner, told } = impatient();
    const plane = await createIngestPlane({ scanner });
    await plane.upload(KEY, longPickle());
    await plane.settle();
    expect(told.steps).toBeGreaterThan(2);
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'ready', findings: { status: 'clean', format: 'pickle' } }]);
    expect((await VersionRow.get(plane.catalog, FOREST, V1))?.value.files).toHaveLength(1);
  });

  it('is quarantined for what stands behind its first step, and tells of it', async () => {
    const { scanner } = impatient();
    const plane = await createIngestPlane({ scanner });
    await plane.upload(KEY, longPickle(CALL));
    await plane.settle();
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'quarantined', quarantine: { reason: 'malicious' } }]);
    expect(await noticesOf(plane)).toMatchObject([
      { change: 'quarantined', upload: { key: KEY }, model: 'forest', reason: 'malicious' },
    ]);
  });

  it.each([
    { late: 2, state: 'ready' },
    { late: 3, state: 'quarantined' },
  ])('is $state when the time of its first $late calls ran out', async ({ late, state }) => {
    const told = { calls: 0 };
    const scanner: Scanner = {
      ...impatient().scanner,
      judgeInSteps(reader, options) {
        told.calls += 1;
        const inTime = told.calls > late;
        return SCANNER.judgeInSteps(reader, { ...options, pauseIsDue: () => false, expired: () => !inTime });
      },
    };
    const plane = await createIngestPlane({ scanner });
    await plane.upload(KEY, longPickle());
    for (let tries = 0; tries < 4; tries += 1) {
      await plane.settle();
      await plane.clock.advance(HOUR_MS);
    }
    expect(await uploadsOf(plane)).toMatchObject([{ state }]);
    expect(told.calls).toBe(3);
  });

  it('keeps each judgement to the version that it read when the object is replaced meanwhile', async () => {
    const { scanner } = impatient();
    const plane = await createIngestPlane({ scanner });
    await plane.upload(KEY, longPickle(CALL));
    await plane.deliver(...plane.events());
    await plane.work('ingest');
    await plane.relayOnce();
    await plane.work('scan');
    await plane.upload(KEY, longPickle());
    await plane.settle();
    const states = (await uploadsOf(plane)).map(({ state, findings }) => `${state} ${findings?.status ?? '-'}`);
    expect(states.sort()).toEqual(['cancelled -', 'ready clean']);
  });

  it('begins anew when its progress is gone, and ignores messages of other hops', async () => {
    const { scanner, told } = impatient();
    const plane = await createIngestPlane({ scanner });
    await plane.upload(KEY, longPickle(CALL));
    await plane.deliver(...plane.events());
    await plane.work('ingest');
    await plane.relayOnce();
    await plane.work('scan');
    const before = await plane.catalog.query({ partition: `UPLOAD#${KEY}`, from: 'SCAN#', to: 'SCAN$', limit: 100 });
    expect(before.items.length).toBeGreaterThan(0);
    await plane.catalog.transact(
      before.items.map(({ key, version }) => ({ kind: 'delete' as const, key, expect: { version } })),
    );
    const [upload] = await uploadsOf(plane);
    await plane.queues.send('scan', [
      {
        body: JSON.stringify({
          schema: 'scan-upload/1',
          key: KEY,
          versionId: upload?.versionId,
          correlationId: 'c',
          hop: 0,
        }),
      },
    ]);
    const steps = told.steps;
    await plane.work('scan');
    expect(told.steps).toBe(steps);
    await plane.settle();
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'quarantined', quarantine: { reason: 'malicious' } }]);
  });

  it('is to blame when scan after scan begins and none ends', async () => {
    const { scanner } = impatient();
    const dies: Scanner = { ...scanner, judgeInSteps: () => Promise.reject(new Error('out of memory')) };
    const plane = await createIngestPlane({ scanner: dies });
    await plane.upload(KEY, longPickle());
    await plane.settle();
    for (let tries = 0; tries < 8; tries += 1) {
      await plane.clock.advance(21 * 60_000);
      await plane.reconcile();
      await plane.settle();
    }
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'quarantined', quarantine: { reason: 'unscannable' } }]);
  });

  it.each([
    ['hours', 3 * HOUR_MS],
    ['days', 2 * DAY_MS],
  ])('is to blame although the first of its scans was counted by a clock that was %s ahead', async (_far, aheadMs) => {
    const dies: Scanner = { ...SCANNER, judgeHeader: () => Promise.reject(new Error('out of memory')) };
    const plane = await createIngestPlane({ scanner: dies });
    await plane.upload(KEY, longPickle());
    const [event = ''] = plane.events();
    plane.loseEvents();
    for (let tries = 0; tries < 8; tries += 1) {
      await plane.deliver(event);
      await plane.work('ingest');
      await plane.clock.advance(tries === 0 ? -aheadMs : 11 * MINUTE_MS);
    }
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'quarantined', quarantine: { reason: 'unscannable' } }]);
  });

  it('is to blame after an hour although somebody asks for its scan every minute', async () => {
    const told = { scans: 0 };
    const judgeHeader = () => {
      told.scans += 1;
      return Promise.reject(new Error('out of memory'));
    };
    const plane = await createIngestPlane({ scanner: { ...SCANNER, judgeHeader } });
    await plane.upload(KEY, longPickle());
    const [event = ''] = plane.events();
    plane.loseEvents();
    for (let minute = 0; minute < 61; minute += 1) {
      await plane.deliver(event);
      await plane.work('ingest');
      await plane.clock.advance(MINUTE_MS);
    }
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'quarantined', quarantine: { reason: 'unscannable' } }]);
    // A message that comes later has no effect.
    const { scans } = told;
    await plane.deliver(event);
    await plane.work('ingest');
    expect(told.scans).toBe(scans);
  });
});

describe('a good upload whose verdict the catalog refuses', () => {
  /** Refuses what `refuses` says of the puts of an upload's row, while it is told to. */
  async function refusing(
    refuses: (before: Upload | undefined, after: Upload) => boolean,
    judgeHeader: Scanner['judgeHeader'] = SCANNER.judgeHeader,
  ) {
    const told = { refuses: true, refused: 0 };
    const plane = await createIngestPlane({
      scanner: { ...SCANNER, judgeHeader },
      catalog: (store) => ({
        ...store,
        async transact(changes) {
          for (const change of changes) {
            if (!told.refuses || change.kind !== 'put' || !change.item.key.sort.startsWith('VERSION#')) continue;
            if (!change.item.key.partition.startsWith('UPLOAD#')) continue;
            const before = await store.get(change.item.key);
            const after = UploadRow.parse({ ...change.item, version: 1 }).value;
            if (!refuses(before === undefined ? undefined : UploadRow.parse(before).value, after)) continue;
            told.refused += 1;
            throw new PortError({ code: 'throttled', message: 'Slow down. Try again.', retryable: true });
          }
          return store.transact(changes);
        },
      }),
    });
    await plane.upload(KEY, safetensors(100));
    const [event = ''] = plane.events();
    plane.loseEvents();
    return { plane, told, event };
  }

  it('is published after minutes in which many messages began its scan and nothing else could be written', async () => {
    const begins = (before: Upload | undefined, after: Upload) => (after.scans ?? 0) > (before?.scans ?? 0);
    const { plane, told, event } = await refusing((before, after) => before !== undefined && !begins(before, after));
    for (let minute = 0; minute < 9; minute += 1) {
      await plane.deliver(...Array.from({ length: 4 }, () => event));
      await plane.work('ingest');
      await plane.clock.advance(MINUTE_MS);
    }
    expect(told.refused).toBeGreaterThan(36);
    told.refuses = false;
    await plane.deliver(event);
    await plane.settle();
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'ready' }]);
  });

  it('is published although the clocks of the calls that began its scan were up to an hour apart', async () => {
    const begins = (before: Upload | undefined, after: Upload) => (after.scans ?? 0) > (before?.scans ?? 0);
    const { plane, told, event } = await refusing((before, after) => before !== undefined && !begins(before, after));
    for (let call = 0; call < 12; call += 1) {
      const skewMs = call % 2 === 0 ? 0 : HOUR_MS;
      await plane.clock.advance(skewMs);
      await plane.deliver(event);
      await plane.work('ingest');
      await plane.clock.advance(-skewMs);
    }
    told.refuses = false;
    await plane.deliver(event);
    await plane.settle();
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'ready' }]);
  });

  it('is said to have failed at what failed first, where not even its count can be taken back', async () => {
    const fewer = (before: Upload | undefined, after: Upload) => (after.scans ?? 0) < (before?.scans ?? 0);
    const { plane, event } = await refusing(fewer, () =>
      Promise.reject(new PortError({ code: 'unavailable', message: 'no bucket', retryable: true })),
    );
    await plane.deliver(event);
    await plane.work('ingest');
    const told = plane.telemetry.records.filter(({ level }) => level !== 'info');
    expect(told).toMatchObject([
      { event: 'scan-not-uncounted', fields: { key: KEY, error: expect.stringContaining('Slow down') } },
      { event: 'record-failed', fields: { error: expect.stringContaining('no bucket') } },
    ]);
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'observed', scans: 1 }]);
  });

  it('keeps the time of a scan that was counted while the one before it was under way', async () => {
    const told = { calls: 0 };
    const { plane, event } = await refusing(
      () => false,
      async () => {
        told.calls += 1;
        if (told.calls > 1) throw new Error('out of memory');
        // Longer than its message stays hidden.
        await plane.clock.advance(11 * MINUTE_MS);
        await plane.work('ingest');
        throw new PortError({ code: 'unavailable', message: 'no bucket', retryable: true });
      },
    );
    await plane.deliver(event);
    await plane.work('ingest');
    expect(told.calls).toBe(2);
    expect(await uploadsOf(plane)).toMatchObject([{ scans: 1, scanCountedAt: plane.clock.now() }]);
  });

  it('is published after hours in which nothing but its verdict could be written', async () => {
    const { plane, told, event } = await refusing((_before, after) => after.state === 'digesting');
    for (let tries = 0; tries < 12; tries += 1) {
      await plane.deliver(event);
      await plane.work('ingest');
      await plane.clock.advance(11 * MINUTE_MS);
    }
    expect(told.refused).toBeGreaterThan(11);
    told.refuses = false;
    await plane.deliver(event);
    await plane.settle();
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'ready' }]);
  });
});

describe('the policy', () => {
  const net = Buffer.from('\x80\x02cmymodel\nNet\n)\x81.', 'latin1');

  it.each([
    ['suspicious files wait for an operator', { allowSuspicious: false }, net, 'quarantined', 'suspicious'],
    ['suspicious files are served where it says so', { allowSuspicious: true }, net, 'ready', undefined],
    [
      'formats that it does not name are refused',
      { allowSuspicious: false, formats: ['gguf' as const] },
      safetensors(8),
      'quarantined',
      'policy',
    ],
    [
      'files without an allowed licence are refused',
      { allowSuspicious: false, licences: ['mit'] },
      safetensors(8),
      'quarantined',
      'policy',
    ],
    [
      'files that are too large for it are refused',
      { allowSuspicious: false, maxBytes: 10 },
      safetensors(8),
      'quarantined',
      'policy',
    ],
  ])('decides what a verdict means: %s', async (_name, scanPolicy, bytes, state, reason) => {
    const plane = await createIngestPlane({ scanPolicy });
    await plane.upload(KEY, bytes);
    await plane.settle();
    const [upload] = await uploadsOf(plane);
    expect(upload?.state).toBe(state);
    expect(upload?.quarantine?.reason).toBe(reason);
  });
});

describe('an upload whose verdict is not of today when it is published', () => {
  /** Has its verdict by rules or a policy that the release which is to publish it does not know. */
  async function judgedBefore() {
    const { scanner, told } = impatient();
    const release = { rules: SCANNER.rules };
    const judging: Scanner = {
      get rules() {
        return release.rules;
      },
      judgeHeader: async (...asked) => ({ ...(await scanner.judgeHeader(...asked)), rules: release.rules }),
      async judgeInSteps(...asked) {
        const step = await scanner.judgeInSteps(...asked);
        return step.outcome === 'judged' ? { ...step, verdict: { ...step.verdict, rules: release.rules } } : step;
      },
    };
    const scanPolicy: ScanPolicy = { allowSuspicious: false };
    const plane = await createIngestPlane({ scanner: judging, scanPolicy });
    await plane.upload(KEY, longPickle());
    await plane.deliver(...plane.events());
    plane.loseEvents();
    await plane.work('ingest');
    const stateOf = async () => (await uploadsOf(plane))[0]?.state;
    while ((await stateOf()) === 'observed') {
      await plane.relayOnce();
      await plane.work('scan');
    }
    expect(await uploadsOf(plane)).toMatchObject([
      { state: 'digesting', hop: 0, scan: { progress: expect.any(String) } },
    ]);
    return { plane, release, scanPolicy, told };
  }

  it('is judged again from its beginning, once the functions of a release had time to agree', async () => {
    const { plane, release, told } = await judgedBefore();
    const { versionId } = (await uploadsOf(plane))[0] ?? expect.fail();
    const row = (await UploadRow.get(plane.catalog, KEY, versionId)) ?? expect.fail();
    // Judged by the last scan that it was worth.
    const counted = { scans: 6, scanCountedAt: plane.clock.now() };
    await plane.catalog.transact([UploadRow.put({ ...row.value, ...counted }, expectationOf(row))]);
    await plane.clock.advance(60 * MINUTE_MS);
    release.rules = 'newer';
    const steps = told.steps;
    await plane.settle();
    const [waiting] = await uploadsOf(plane);
    expect(waiting).toMatchObject({ state: 'observed', hop: 1 });
    expect(waiting?.scan).toBeUndefined();
    expect(told.steps).toBe(steps);
    await plane.clock.advance(2 * MINUTE_MS);
    await plane.settle();
    expect(told.steps).toBe(2 * steps);
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'ready', findings: { rules: 'newer' } }]);
    expect((await VersionRow.get(plane.catalog, FOREST, V1))?.value.files).toHaveLength(1);
  });

  it('is judged again where only the policy is another one', async () => {
    const { plane, scanPolicy } = await judgedBefore();
    scanPolicy.formats = ['gguf'];
    await plane.settle();
    await plane.clock.advance(2 * MINUTE_MS);
    await plane.settle();
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'quarantined', quarantine: { reason: 'policy' } }]);
    expect(await VersionRow.get(plane.catalog, FOREST, V1)).toBeUndefined();
  });

  it('is not judged again for ever where releases never agree', async () => {
    const { plane, release } = await judgedBefore();
    const { versionId } = (await uploadsOf(plane))[0] ?? expect.fail();
    const row = (await UploadRow.get(plane.catalog, KEY, versionId)) ?? expect.fail();
    await plane.catalog.transact([UploadRow.put({ ...row.value, hop: 1_999 }, expectationOf(row))]);
    release.rules = 'newer';
    await plane.queues.send('digest', [
      { body: JSON.stringify({ schema: 'digest-upload/1', key: KEY, versionId, correlationId: 'c', hop: 1_999 }) },
    ]);
    await plane.settle();
    expect(await uploadsOf(plane)).toMatchObject([{ state: 'quarantined', quarantine: { reason: 'hop-limit' } }]);
    expect(await noticesOf(plane)).toMatchObject([{ change: 'quarantined', reason: 'hop-limit' }]);
  });
});
