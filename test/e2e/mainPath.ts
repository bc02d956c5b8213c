import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SET_METADATA } from '../../events/upload-set/v1.ts';
import {
  BlobRow,
  ModelRow,
  OnceRow,
  queryAll,
  startingWith,
  type Upload,
  UploadHeadRow,
  UploadRow,
  type Version,
  VersionRow,
} from '../../lib/catalog/index.ts';
import { blobDigest, blobKey, PART_SIZE, partHash } from '../../lib/shared/digest.ts';
import { type Digest, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import { eventually } from '../support/eventually.ts';
import { safetensorsOf } from '../support/modelFiles.ts';
import { readOnly } from './readOnly.ts';
import type { Stage } from './stage.ts';

const V1 = SemVer.parse('1.0.0');
const LATE = 'FFFFFFFFFFFFFFFFFFFF';

/** The way of an upload to a published version, through repeated, reordered and poisonous messages. */
export function mainPath(name: string, createStage: () => Promise<Stage>): void {
  describe(`the main path ${name}`, () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await createStage();
    });
    afterAll(() => stage.stop());

    it('publishes an upload: verdict, digest, bytes under the digest, one immutable version', async () => {
      const { model, key } = fresh('plain');
      const bytes = safetensorsOf(1_000, 1);
      await stage.upload(key, bytes);
      const version = await published(stage, model);
      const digest = digestOf(bytes);
      expect(version.files).toMatchObject([{ file: 'model.safetensors', role: 'weights', digest, size: bytes.length }]);
      expect(await blob(stage, digest)).toMatchObject({ findings: { status: 'clean', format: 'safetensors' } });
      const head = await stage.objects.head(blobKey(digest));
      const versionId = (await blob(stage, digest))?.origin.versionId ?? '';
      expect(head).toMatchObject({ outcome: 'found', head: { versionId, size: bytes.length } });
      const read = await stage.objects.readRange(blobKey(digest), versionId, 0, bytes.length);
      expect(read.outcome === 'read' && Buffer.compare(read.bytes, bytes)).toBe(0);
    });

    it('keeps a file that was cut short and a pickle that runs a command in quarantine, with the reason', async () => {
      const cut = fresh('cut');
      const pickle = fresh('pickle', 'model.ckpt');
      await stage.upload(cut.key, safetensorsOf(1_000, 2).subarray(0, 500));
      // Calls `os.system('true')` when it is loaded.
      await stage.upload(pickle.key, Buffer.from("cposix\nsystem\n(S'true'\ntR."));
      for (const [{ key, model }, reason] of [
        [cut, 'invalid-format'],
        [pickle, 'malicious'],
      ] as const) {
        await eventually(async () => expect(await states(stage, key)).toEqual([reason]), 60_000);
        const [upload] = await uploads(stage, key);
        expect(upload?.quarantine?.text).toMatch(/\w{3}/);
        expect(await version(stage, model)).toBeUndefined();
      }
    });

    it('has one row and one version when the event of an upload comes three times', async () => {
      const { model, key } = fresh('thrice');
      const bytes = safetensorsOf(1_000, 3);
      const versionId = await stage.upload(key, bytes);
      await published(stage, model);
      const before = await everything(stage, model, key, digestOf(bytes));
      const event = createdEvent(key, versionId, bytes.length, '00');
      await stage.send('ingest', [event, event, event]);
      await stage.settled();
      expect(await states(stage, key)).toEqual(['ready']);
      expect(await everything(stage, model, key, digestOf(bytes))).toEqual(before);
    });

    it('stays deleted when the delete is told before the older put', async () => {
      const { model, key } = fresh('deleted');
      await stage.send('ingest', [deletedEvent(key, LATE)]);
      await eventually(async () => expect((await head(stage, key))?.deleted).toBe(true), 60_000);
      await stage.upload(key, safetensorsOf(1_000, 4));
      await stage.remove(key);
      await stage.settled();
      expect(await head(stage, key)).toMatchObject({ deleted: true, sequencer: LATE });
      expect(await states(stage, key)).toEqual([]);
      expect(await version(stage, model)).toBeUndefined();
    });

    it('publishes what replaced a file between its check and its publication, never the file that it judged', async () => {
      const { model, key, folder } = fresh('replaced');
      const set = randomUUID();
      const marked = { [SET_METADATA]: set };
      const [first, second] = [safetensorsOf(1_000, 5), safetensorsOf(2_000, 6)];
      await stage.upload(key, first, marked);
      await eventually(async () => expect(await states(stage, key)).toEqual(['ready']), 60_000);
      await stage.upload(key, second, marked);
      await eventually(
        async () => expect((await states(stage, key)).toSorted()).toEqual(['cancelled', 'ready']),
        60_000,
      );
      await stage.upload(`${folder}strata.json`, setFile(set, second.length), marked);
      const { files } = await published(stage, model);
      expect(files).toMatchObject([{ file: 'model.safetensors', digest: digestOf(second), size: second.length }]);
    });

    it('quarantines a second file that comes after its version is closed', async () => {
      const { model, key, folder } = fresh('closed');
      await stage.upload(key, safetensorsOf(1_000, 7));
      const before = await published(stage, model);
      const late = `${folder}late.safetensors`;
      await stage.upload(late, safetensorsOf(1_000, 8));
      await stage.upload(key, safetensorsOf(1_000, 9));
      await eventually(async () => expect(await states(stage, late)).toEqual(['immutable-version']), 60_000);
      await eventually(
        async () => expect((await states(stage, key)).toSorted()).toEqual(['immutable-version', 'ready']),
        60_000,
      );
      expect(await version(stage, model)).toEqual(before);
    });

    it('works nine of ten messages, keeps the poisoned one, and survives its redrive', async () => {
      const nine = Array.from({ length: 9 }, (_, index) => fresh(`batch-${index}`));
      const events: string[] = [];
      for (const [index, { key }] of nine.entries()) {
        const bytes = safetensorsOf(1_000, 10 + index);
        events.push(createdEvent(key, await stage.upload(key, bytes), bytes.length, '00'));
      }
      await stage.send('ingest', [...events.slice(0, 4), '{"poison":true}', ...events.slice(4)]);
      for (const { model } of nine) await published(stage, model);
      await eventually(async () => expect(await stage.deadLetters('ingest')).toBe(1), 120_000);
      await stage.settled();
      const rows = await Promise.all(nine.map(({ model }) => version(stage, model)));
      await stage.redrive('ingest');
      await eventually(async () => expect(await stage.deadLetters('ingest')).toBe(1), 120_000);
      await stage.settled();
      for (const { key } of nine) expect(await states(stage, key)).toEqual(['ready']);
      expect(await Promise.all(nine.map(({ model }) => version(stage, model)))).toEqual(rows);
    });

    it('records what it decides with rules and bytes, locks it away, and finds it whole', async () => {
      const { key } = fresh('audited');
      const versionId = await stage.upload(key, safetensorsOf(1_000, 9).subarray(0, 500));
      await eventually(async () => expect(await states(stage, key)).toEqual(['invalid-format']), 60_000);
      const history = async () => (await stage.operate.showAudit({ object: key, limit: 10 })).items;
      expect(await history()).toMatchObject([
        {
          number: 1,
          action: 'quarantined',
          verdict: { status: 'invalid', serve: false },
          bytes: { versionId, size: 500 },
        },
      ]);
      await stage.fire('seal-audit', 'seal-audit', EpochMs.parse(Date.now()));
      await eventually(async () => expect(await history()).toMatchObject([{ sealed: true }]), 60_000);
      const verified = await stage.operate.verifyAudit({});
      expect(verified.broken).toBeUndefined();
      expect(verified.seals).toBeGreaterThan(0);
      await stage.settled();
    });

    it('calls a function again with the firing of its schedule that it failed', async () => {
      const fired = { schedule: 'orphan-sweep', scheduledTime: new Date().toISOString() };
      await stage.send('sweep-orphans-schedule-dlq', [JSON.stringify(fired)]);
      await eventually(async () => expect(await stage.deadLetters('sweep-orphans-schedule')).toBe(1), 30_000);
      expect(await stage.redrive('sweep-orphans-schedule')).toBe(1);
      const id = createHash('sha256')
        .update(`orphans-${Date.parse(fired.scheduledTime)}`)
        .digest('hex');
      await eventually(
        async () => expect(await stage.rows.get(OnceRow.key('sweep-orphans', id))).toBeDefined(),
        60_000,
      );
      expect(await stage.deadLetters('sweep-orphans-schedule')).toBe(0);
      await stage.settled();
    });
  });
}

/** Names that no other run has used: the stage may be shared and may keep what earlier runs left. */
function fresh(what: string, file = 'model.safetensors') {
  const model = ModelName.parse(`${what}-${randomUUID().slice(0, 8)}`);
  const folder = `uploads/${model}/${V1}/`;
  return { model, folder, key: `${folder}${file}` };
}

function createdEvent(key: string, versionId: string, size: number, sequencer: string): string {
  const object = { key, size, etag: 'any', 'version-id': versionId, sequencer };
  return JSON.stringify(s3Event('Object Created', { object, reason: 'PutObject' }));
}

function deletedEvent(key: string, sequencer: string): string {
  const object = { key, 'version-id': 'marker', sequencer };
  return JSON.stringify(s3Event('Object Deleted', { object, 'deletion-type': 'Delete Marker Created' }));
}

function s3Event(type: string, detail: object) {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': type,
    source: 'aws.s3',
    time: new Date().toISOString(),
    detail: { version: '0', bucket: { name: 'models' }, ...detail },
  };
}

function setFile(set: string, size: number): Uint8Array {
  return Buffer.from(JSON.stringify({ schema: 'strata-set/1', set, files: [{ file: 'model.safetensors', size }] }));
}

function digestOf(bytes: Uint8Array): Digest {
  return blobDigest(bytes.length, PART_SIZE, [partHash(bytes)]);
}

async function uploads(stage: Stage, key: string): Promise<readonly Upload[]> {
  const items = await queryAll(readOnly(stage), { partition: `UPLOAD#${key}`, ...startingWith('VERSION#') });
  return items.map((item) => UploadRow.parse(item).value);
}

/** The state of each version of an object; the reason where it is in quarantine. */
async function states(stage: Stage, key: string): Promise<readonly string[]> {
  return (await uploads(stage, key)).map(({ state, quarantine }) => quarantine?.reason ?? state);
}

async function head(stage: Stage, key: string) {
  return (await UploadHeadRow.get(readOnly(stage), key))?.value;
}

async function version(stage: Stage, model: ModelName): Promise<Version | undefined> {
  return (await VersionRow.get(readOnly(stage), model, V1))?.value;
}

async function published(stage: Stage, model: ModelName): Promise<Version> {
  let found: Version | undefined;
  await eventually(async () => {
    found = await version(stage, model);
    expect(found).toBeDefined();
  }, 60_000);
  if (found === undefined) throw new Error(`${model} was not published`);
  return found;
}

async function blob(stage: Stage, digest: Digest) {
  return (await BlobRow.get(readOnly(stage), digest))?.value;
}

/** Every row that an upload leads to, but for the head, which the newest notification writes, and hosts' copies. */
async function everything(stage: Stage, model: ModelName, key: string, digest: Digest) {
  return {
    uploads: await uploads(stage, key),
    model: (await ModelRow.get(readOnly(stage), model))?.value,
    version: await version(stage, model),
    blob: await blob(stage, digest),
  };
}
