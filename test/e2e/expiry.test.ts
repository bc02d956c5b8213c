import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlobRow, ExpiryRunRow, TierPolicyRow, TombstoneRow, VersionRow } from '../../lib/catalog/index.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import { blobDigest, blobKey, PART_SIZE, partHash } from '../../lib/shared/digest.ts';
import { ModelName, SemVer } from '../../lib/shared/ids.ts';
import { DAY_MS, EpochMs } from '../../lib/shared/units.ts';
import { LOOK_PARTS, partsOf } from '../../lib/tiering/index.ts';
import { eventually } from '../support/eventually.ts';
import { safetensorsOf } from '../support/modelFiles.ts';
import { createEmbeddedStage } from './embeddedStage.ts';
import type { HostStage } from './hostStage.ts';
import { readOnly } from './readOnly.ts';

const MODEL = ModelName.parse('forgotten');
const [OLD, NEWEST] = [SemVer.parse('1.0.0'), SemVer.parse('2.0.0')];

/** The plane's clock; its own schedules fire as days go by. */
let aheadMs = 0;
const clock = { ...systemClock, now: () => EpochMs.parse(Date.now() + aheadMs) };
let stage: HostStage;

beforeAll(async () => {
  const settings = { tierPolicy: 'lifecycle', lifecycleDeletes: 'on' } as const;
  stage = await createEmbeddedStage({ clock, settings });
});

afterAll(() => stage.stop());

async function publish(version: SemVer, fill: number) {
  const bytes = safetensorsOf(400_000, fill);
  await stage.upload(`uploads/${MODEL}/${version}/model.safetensors`, bytes);
  await eventually(async () => {
    expect(await VersionRow.get(readOnly(stage), MODEL, version)).toBeDefined();
  }, 60_000);
  return blobDigest(bytes.length, PART_SIZE, [partHash(bytes)]);
}

const tombstone = async () => (await TombstoneRow.get(readOnly(stage), MODEL, OLD))?.value;

describe('lifecycleDeletes=on', { timeout: 240_000 }, () => {
  it('has the nightly sweep delete what nobody needs, undoable for a week, and purges it when that is over', async () => {
    const digest = await publish(OLD, 1);
    const newest = await publish(NEWEST, 2);
    const { origin } = (await BlobRow.get(readOnly(stage), digest))!.value;
    const bytes = () => stage.objects.head(blobKey(digest), origin.versionId);

    // The first nightly sweep has every object looked at, and deletes nothing.
    aheadMs = 200 * DAY_MS;
    const looks = async () => {
      const row = (await TierPolicyRow.get(readOnly(stage)))?.value;
      return row === undefined ? [] : (await partsOf(readOnly(stage), row)).filter(({ endedAt }) => endedAt);
    };
    await eventually(async () => expect(await looks()).toHaveLength(LOOK_PARTS), 90_000);
    expect(await tombstone()).toBeUndefined();
    aheadMs += DAY_MS;
    await eventually(async () => expect(await tombstone()).toMatchObject({ state: 'deleted' }), 90_000);
    const deleted = (await tombstone())!;
    expect(deleted.purgeAfter - deleted.deletedAt).toBeGreaterThanOrEqual(7 * DAY_MS);
    expect(await VersionRow.get(readOnly(stage), MODEL, OLD)).toBeUndefined();
    const runId = /^expire-(\d+)$/.exec(deleted.correlationId)?.[1] ?? '';
    expect((await ExpiryRunRow.get(readOnly(stage), runId))?.value).toMatchObject({ versions: 1 });

    // The purge comes by every quarter of an hour and leaves it alone.
    aheadMs += 6 * DAY_MS;
    await stage.fire('start-purge', 'purge', clock.now());
    await stage.settled();
    expect(await tombstone()).toMatchObject({ state: 'deleted' });
    expect(await bytes()).toMatchObject({ outcome: 'found' });

    aheadMs += 2 * DAY_MS;
    await eventually(async () => expect(await tombstone()).toMatchObject({ state: 'purged' }), 90_000);
    expect(await bytes()).toEqual({ outcome: 'absent' });
    expect(await BlobRow.get(readOnly(stage), digest)).toBeUndefined();
    expect(await VersionRow.get(readOnly(stage), MODEL, NEWEST)).toBeDefined();
    expect(await BlobRow.get(readOnly(stage), newest)).toBeDefined();
  });
});
