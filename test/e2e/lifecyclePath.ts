import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BlobRow,
  queryAll,
  ReplicaRow,
  startingWith,
  TierPolicyRow,
  TombstoneRow,
  UploadHeadRow,
  VersionRow,
} from '../../lib/catalog/index.ts';
import { blobDigest, blobKey, PART_SIZE, partHash } from '../../lib/shared/digest.ts';
import { type Digest, HostId, hostLocation, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { DAY_MS, EpochMs } from '../../lib/shared/units.ts';
import { eventually } from '../support/eventually.ts';
import { safetensorsOf } from '../support/modelFiles.ts';
import type { HostStage, StageHost } from './hostStage.ts';
import { readOnly } from './readOnly.ts';

const V1 = SemVer.parse('1.0.0');

/** What becomes of published bytes: archived or packed by the sweep and brought back for readers, deleted, brought back and purged. */
export function lifecyclePath(name: string, createStage: () => Promise<HostStage>): void {
  describe(`the life of published bytes ${name}`, { timeout: 300_000 }, () => {
    let stage: HostStage;
    /** They subscribe to everything. */
    const readers: HostId[] = [];
    beforeAll(async () => {
      stage = await createStage();
    }, 240_000);
    afterAll(() => stage.stop());

    it('archives what is old and idle, tells a reader when it is restored, and serves it then', async () => {
      const { model, digest } = await publish(stage);
      const before = await blob(stage, digest);
      // The first sweep only has every object looked at, and moves nothing; one that begins when that has ended goes by its rules.
      let sweeps = 0;
      await eventually(async () => {
        sweeps += 1;
        await stage.fire('start-sweep', 'sweep', EpochMs.parse((before?.createdAt ?? 0) + sweeps));
        await stage.settled();
        expect((await TierPolicyRow.get(readOnly(stage)))?.value.inForce).toBe('rules');
      }, 180_000);
      expect(await blob(stage, digest)).toMatchObject({ origin: { storageClass: 'STANDARD' } });
      await stage.fire('start-sweep', 'sweep', EpochMs.parse((before?.createdAt ?? 0) + 800 * DAY_MS));
      await eventually(
        async () => expect(await blob(stage, digest)).toMatchObject({ origin: { storageClass: 'GLACIER' } }),
        90_000,
      );
      readers.push(await expectRestored(stage, model, digest));
      // By the clock of the plane it is new, and its first copy still lies in STANDARD until it is deleted.
      expect(await blob(stage, digest)).toMatchObject({ origin: { storageClass: 'INTELLIGENT_TIERING' } });
    });

    it('packs what is idle and compressible, tells a reader when it is unpacked, and serves the very bytes then', async () => {
      const { model, digest } = await publish(stage, halfPrecision());
      // What a host fills from stays until the next sweep: known readers are waited for, and should there be another, another sweep comes.
      for (const reader of readers) await eventually(() => expectCached(stage, digest, reader), 60_000);
      const created = (await blob(stage, digest))?.createdAt ?? 0;
      let sweeps = 0;
      await eventually(async () => {
        sweeps += 1;
        await stage.fire('start-sweep', 'sweep', EpochMs.parse(created + (41 + sweeps / 100) * DAY_MS));
        await eventually(async () => {
          expect(await blob(stage, digest)).toMatchObject({ origin: { packed: {} } });
        }, 60_000);
      }, 180_000);
      const { origin, size } = (await blob(stage, digest)) ?? {};
      expect(origin?.packed?.bytes).toBeLessThan(0.7 * (size ?? 0));
      expect(await stage.objects.head(blobKey(digest), origin?.versionId)).toMatchObject({
        head: { size: origin?.packed?.bytes, storageClass: 'STANDARD_IA' },
      });
      readers.push(await expectRestored(stage, model, digest));
      expect((await blob(stage, digest))?.origin.packed).toBeUndefined();
    });

    it('deletes an upload a week after its publication, and serves its version as before', async () => {
      const { model, digest, key, versionId } = await publish(stage);
      await stage.fire('expire-uploads', 'expire-uploads', EpochMs.parse(Date.now() + 6 * DAY_MS));
      expect(await stage.objects.head(key, versionId)).toMatchObject({ outcome: 'found' });
      await stage.fire('expire-uploads', 'expire-uploads', EpochMs.parse(Date.now() + 8 * DAY_MS));
      await eventually(async () => {
        expect(await stage.objects.head(key, versionId)).toEqual({ outcome: 'absent' });
      }, 60_000);
      // The bucket tells of the deletion, which changes nothing.
      await eventually(async () => {
        expect((await UploadHeadRow.get(readOnly(stage), key))?.value.deleted).toBe(true);
      }, 60_000);
      expect(await VersionRow.get(readOnly(stage), model, V1)).toBeDefined();
      const origin = (await blob(stage, digest))?.origin.versionId;
      expect(await stage.objects.head(blobKey(digest), origin)).toMatchObject({ outcome: 'found' });
    });

    it('deletes a version so that it can be undone, and purges catalog, bucket and hosts when it cannot', async () => {
      const { model, digest } = await publish(stage);
      const wish = { model, version: V1, undoDays: 0, dryRun: false };
      await stage.operate.deleteVersion(wish);
      expect(await VersionRow.get(readOnly(stage), model, V1)).toBeUndefined();
      await stage.operate.undoDelete({ model, version: V1, dryRun: false });
      expect(await VersionRow.get(readOnly(stage), model, V1)).toBeDefined();
      await stage.operate.deleteVersion(wish);
      const versionId = (await blob(stage, digest))?.origin.versionId ?? '';
      await eventually(async () => {
        await stage.fire('start-purge', 'purge', EpochMs.parse(Date.now()));
        expect((await TombstoneRow.get(readOnly(stage), model, V1))?.value).toMatchObject({ state: 'purged' });
      }, 120_000);
      const rows = await queryAll(readOnly(stage), { partition: `BLOB#${digest}`, ...startingWith('') });
      expect(rows.map(({ key }) => key.sort).filter((sort) => !sort.startsWith('ORPHAN#'))).toEqual([]);
      expect(await stage.objects.head(blobKey(digest), versionId)).toEqual({ outcome: 'absent' });
    });
  });
}

/** The reader is told when the bytes are ready, and has them then. Answers who that is. */
async function expectRestored(stage: HostStage, model: ModelName, digest: Digest): Promise<HostId> {
  const reader = HostId.parse(`reader-${randomUUID().slice(0, 8)}`);
  const host = await stage.startHost(reader);
  const first = await askWhenKnown(host, `${model}@1.0.0`);
  expect(first).toMatchObject({ status: 202, body: { status: 'restoring' } });
  expect((first.body as { message: string }).message).toMatch(/ready at about \d{4}-\d\d-\d\dT/);
  await eventually(async () => {
    expect(await host.ask(`${model}@1.0.0`)).toMatchObject({ status: 200, body: { digest } });
  }, 120_000);
  return reader;
}

/** A new host needs a moment until the plane answers it. */
async function askWhenKnown(host: StageHost, reference: string) {
  let answer: Awaited<ReturnType<StageHost['ask']>> | undefined;
  await eventually(async () => {
    answer = await host.ask(reference);
    expect(answer.status).not.toBe(503);
  }, 60_000);
  if (answer === undefined) throw new Error('The host did not answer.');
  return answer;
}

interface Published {
  readonly model: ModelName;
  readonly digest: Digest;
  /** Of its upload. */
  readonly key: string;
  readonly versionId: string;
}

/** As most weights lie: of every two bytes one is noise and the other one of four. */
function halfPrecision(): Uint8Array {
  const bytes = safetensorsOf(600_000, 0);
  const values = randomBytes(600_000).map((byte, at) => (at % 2 === 0 ? byte : 0x3c + (byte & 3)));
  bytes.set(values, bytes.length - values.length);
  return bytes;
}

// Large enough for the archive class to be cheaper, and new bytes in each run.
const alike = () => safetensorsOf(2_000_000 + Math.floor(Math.random() * 100_000), 6);

async function publish(stage: HostStage, bytes: Uint8Array = alike()): Promise<Published> {
  const model = ModelName.parse(`aged-${randomUUID().slice(0, 8)}`);
  const key = `uploads/${model}/${V1}/model.safetensors`;
  const versionId = await stage.upload(key, bytes);
  await eventually(async () => {
    expect(await VersionRow.get(readOnly(stage), model, V1)).toBeDefined();
  }, 60_000);
  return { model, key, versionId, digest: blobDigest(bytes.length, PART_SIZE, [partHash(bytes)]) };
}

async function expectCached(stage: HostStage, digest: Digest, host: HostId): Promise<void> {
  const items = await queryAll(readOnly(stage), { partition: `BLOB#${digest}`, ...startingWith('REPLICA#') });
  const replicas = items.map((item) => ReplicaRow.parse(item).value);
  expect(replicas.find((one) => one.location === hostLocation('nvme', host))).toMatchObject({ state: 'verified' });
}

async function blob(stage: HostStage, digest: Digest) {
  return (await BlobRow.get(readOnly(stage), digest))?.value;
}
