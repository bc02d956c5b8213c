import { describe, expect, it } from 'vitest';
import {
  type Action,
  ActionRow,
  BlobRow,
  ReplicaRow,
  ServiceLevelRow,
  TierPolicyRow,
  VersionRow,
} from '../../lib/catalog/index.ts';
import { compileRates, DOLLARS, firstAlternative, replayFirst, POLICY_VERSIONS } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import { Digest, Location, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { TIER_SETTINGS } from '../../lib/tiering/index.ts';
import { createIngestPlane, type IngestPlane, type IngestPlaneOptions, safetensors } from '../support/ingestPlane.ts';

const MODEL = ModelName.parse('tiny');
const KEY = 'uploads/tiny/1.0.0/tiny.safetensors';
/** Larger than what colder classes bill at least. */
const BYTES = safetensors(400_000);

async function published(options: IngestPlaneOptions, readsPerDay?: number, isInForce = true) {
  const plane = await createIngestPlane({ verifiesParts: true, ...options });
  if (options.tierSweep === 'on' && isInForce) {
    const inForce = options.tierPolicy ?? 'rules';
    const since = plane.clock.now();
    const policy = { inForce, settings: TIER_SETTINGS, version: POLICY_VERSIONS[inForce], since };
    await plane.catalog.transact([TierPolicyRow.put(policy, 'absent')]);
  }
  if (readsPerDay !== undefined) {
    const level = { model: MODEL, readsPerDay, updatedAt: plane.clock.now() };
    await plane.catalog.transact([ServiceLevelRow.put(level, 'absent')]);
  }
  await plane.upload(KEY, BYTES);
  await plane.settle();
  const version = await VersionRow.get(plane.catalog, MODEL, SemVer.parse('1.0.0'));
  const digest = version?.value.files[0]?.digest ?? expect.fail('nothing was published');
  const blob = (await BlobRow.get(plane.catalog, digest))?.value ?? expect.fail('no blob');
  const page = await plane.catalog.queryIndex('listing', { partition: `ACTIONS#BLOB#${digest}`, limit: 10 });
  const actions: readonly Action[] = page.items.map((item) => ActionRow.parse(item).value);
  return { plane, blob, actions };
}

async function classesInBucket({ objects }: IngestPlane, digest: string) {
  return (await objects.listVersions({ prefix: blobKey(Digest.parse(digest)), limit: 10 })).versions
    .filter(({ key }) => !key.endsWith('.parts'))
    .map((one) => one.storageClass);
}

describe('what is published', () => {
  it('lies in the class of the least expected dollars where those decide, with a receipt that replays', async () => {
    const { plane, blob, actions } = await published({ tierSweep: 'on', tierPolicy: 'dollars' }, 0);
    const location = Location.parse('s3:eu-west-1:GLACIER_IR');
    expect(blob).toMatchObject({ tier: 'cold', origin: { storageClass: 'GLACIER_IR', location } });
    expect(await classesInBucket(plane, blob.digest)).toEqual(['GLACIER_IR']);
    expect((await ReplicaRow.get(plane.catalog, blob.digest, location))?.value.state).toBe('verified');
    const [receipt] = actions;
    expect(receipt).toMatchObject({ type: 'place', state: 'done', reason: 'reads-known', chosen: 'place GLACIER_IR' });
    const rates = compileRates(shippedPriceBook());
    const again = replayFirst(receipt!.inputs, DOLLARS, rates);
    expect(`place ${again?.storageClass}`).toBe(receipt?.chosen);
    expect(again?.alternatives.map(firstAlternative)).toEqual(receipt?.alternatives);
  });

  it('is decided once: the same bytes under another name stay where they are', async () => {
    const { plane, blob } = await published({ tierSweep: 'on', tierPolicy: 'dollars' }, 0);
    await plane.upload('uploads/other/1.0.0/other.safetensors', BYTES);
    await plane.settle();
    expect((await BlobRow.get(plane.catalog, blob.digest))?.value.origin).toEqual(blob.origin);
    const page = await plane.catalog.queryIndex('listing', { partition: `ACTIONS#BLOB#${blob.digest}`, limit: 10 });
    expect(page.items).toHaveLength(1);
  });

  it('starts hot while nothing is in force yet', async () => {
    const { blob, actions } = await published({ tierSweep: 'on', tierPolicy: 'dollars' }, 0, false);
    expect([blob.origin.storageClass, actions]).toEqual(['STANDARD', []]);
  });

  it.each<[string, IngestPlaneOptions]>([
    ['by the rules', { tierSweep: 'on', tierPolicy: 'rules' }],
    ['by the lifecycle preset', { tierSweep: 'on', tierPolicy: 'lifecycle' }],
    ['while sweeps only try dollars out', { tierSweep: 'dry-run', tierPolicy: 'dollars' }],
    ['while nothing sweeps', { tierSweep: 'off', tierPolicy: 'dollars' }],
  ])('starts hot %s, without a receipt', async (_name, options) => {
    const { plane, blob, actions } = await published(options, 0);
    expect(blob).toMatchObject({ tier: 'hot', origin: { storageClass: 'STANDARD' } });
    expect(await classesInBucket(plane, blob.digest)).toEqual(['STANDARD']);
    expect(actions).toEqual([]);
  });
});
