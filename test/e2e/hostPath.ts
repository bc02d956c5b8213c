import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import {
  ActionRow,
  HostRow,
  queryAll,
  type Replica,
  ReplicaRow,
  startingWith,
  VersionRow,
} from '../../lib/catalog/index.ts';
import { blobDigest, PART_SIZE, partHash } from '../../lib/shared/digest.ts';
import { type Digest, HostId, hostLocation, HostPattern, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { eventually } from '../support/eventually.ts';
import { safetensorsOf } from '../support/modelFiles.ts';
import { readOnly } from './readOnly.ts';
import type { HostStage, StageHost } from './hostStage.ts';

const V1 = SemVer.parse('1.0.0');
const Ensured = z.object({ path: z.string(), digest: z.string() });

/** The way of a published version to the disk of a host, through commands, receipts and a host that dies. */
export function hostPath(name: string, createStage: () => Promise<HostStage>): void {
  describe(`the path to hosts ${name}`, { timeout: 180_000 }, () => {
    let stage: HostStage;
    const early = HostId.parse(`early-${randomUUID().slice(0, 8)}`);
    let host: StageHost;
    beforeAll(async () => {
      stage = await createStage();
      host = await stage.startHost(early);
    });
    afterAll(() => stage.stop());

    it('brings a published version to a host that is there, and believes its receipt', async () => {
      const { model, digest, bytes } = await publish(stage, 1);
      const replica = await cached(stage, digest, early);
      expect(replica).toMatchObject({ bytes: bytes.length, host: { id: early } });
      expect(onDisk(host, digest).equals(bytes)).toBe(true);
      const action =
        replica.actionId === undefined ? undefined : await ActionRow.get(readOnly(stage), replica.actionId);
      expect(action?.value).toMatchObject({ type: 'prefetch', state: 'done', model, receipt: { outcome: 'done' } });
    });

    it('brings what was published before to a host that comes later', async () => {
      const { digest, bytes } = await publish(stage, 2);
      const late = HostId.parse(`late-${randomUUID().slice(0, 8)}`);
      const joined = await stage.startHost(late);
      await cached(stage, digest, late);
      expect(onDisk(joined, digest).equals(bytes)).toBe(true);
    });

    it('gives an inference process a path with the right bytes', async () => {
      const { model, digest, bytes } = await publish(stage, 3);
      const { status, body } = await host.ask(`${model}@^1.0.0`);
      expect(status).toBe(200);
      const ensured = Ensured.parse(body);
      expect(ensured.digest).toBe(digest);
      expect(readFileSync(ensured.path).equals(bytes)).toBe(true);
    });

    it('lets nobody take the name of a host, or another name than the token is for', async () => {
      const own = await stage.joinToken(HostPattern.parse(early));
      const other = await stage.joinToken(HostPattern.parse('another'));
      const before = (await HostRow.get(readOnly(stage), early))?.value;
      expect(await register(stage, early, own)).toMatchObject({ status: 409, code: 'name-in-use' });
      expect(await register(stage, early, other)).toMatchObject({ status: 403, code: 'host-not-allowed' });
      expect(await register(stage, 'unheard-of', own)).toMatchObject({ status: 403, code: 'host-not-allowed' });
      const after = (await HostRow.get(readOnly(stage), early))?.value;
      expect(after).toMatchObject({ generation: before?.generation, publicKey: before?.publicKey });
    });

    it('takes a killed host back with what is on its disk, and goes on filling it', async () => {
      const { model, digest } = await publish(stage, 4);
      await cached(stage, digest, early);
      const before = (await HostRow.get(readOnly(stage), early))?.value.generation ?? 0;
      await host.kill();
      host = await stage.startHost(early);
      await eventually(async () => {
        const now = (await HostRow.get(readOnly(stage), early))?.value;
        expect(now?.state).toBe('active');
        expect(now?.generation).toBeGreaterThanOrEqual(before);
      }, 60_000);
      expect(await host.ask(`${model}@1.0.0`)).toMatchObject({ status: 200 });
      const after = await publish(stage, 5);
      await cached(stage, after.digest, early);
      await cached(stage, digest, early);
    });
  });
}

async function publish(stage: HostStage, fill: number) {
  const model = ModelName.parse(`hosted-${randomUUID().slice(0, 8)}`);
  // A size of its own makes each run's bytes new.
  const bytes = safetensorsOf(1_000 + Math.floor(Math.random() * 100_000), fill);
  await stage.upload(`uploads/${model}/${V1}/model.safetensors`, bytes);
  await eventually(async () => {
    expect(await VersionRow.get(readOnly(stage), model, V1)).toBeDefined();
  }, 60_000);
  return { model, bytes, digest: blobDigest(bytes.length, PART_SIZE, [partHash(bytes)]) };
}

async function cached(stage: HostStage, digest: Digest, host: HostId): Promise<Replica> {
  let found: Replica | undefined;
  await eventually(async () => {
    const items = await queryAll(readOnly(stage), { partition: `BLOB#${digest}`, ...startingWith('REPLICA#') });
    const replicas = items.map((item) => ReplicaRow.parse(item).value);
    found = replicas.find((one) => one.location === hostLocation('nvme', host) && one.state === 'verified');
    expect(found).toBeDefined();
  }, 90_000);
  if (found === undefined) throw new Error(`${digest} is not on ${host}`);
  return found;
}

function onDisk(host: StageHost, digest: Digest): Buffer {
  return readFileSync(join(host.data, 'blobs', digest.slice(0, 2), digest));
}

async function register(stage: HostStage, host: string, joinToken: string): Promise<unknown> {
  const key = { publicKey: 'A'.repeat(43), protocols: [1] };
  const body = { ...key, host, joinToken, labels: {}, subscriptions: [], capacityBytes: 1 };
  const answer = await fetch(new URL('/v1/hosts/join', stage.planeUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return answer.json();
}
