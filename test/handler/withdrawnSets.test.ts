import { describe, expect, it } from 'vitest';
import { createPurgeHandler } from '../../functions/purge/handler.ts';
import { createStartPurgeHandler } from '../../functions/start-purge/handler.ts';
import { BlobRow, queryAll, SetFileRow, startingWith } from '../../lib/catalog/index.ts';
import { generateKeyPair } from '../../lib/fleet/index.ts';
import { blobKey, manifestKey } from '../../lib/shared/digest.ts';
import { ModelName, SemVer } from '../../lib/shared/ids.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lib/shared/units.ts';
import { sqsBatchOf, testContext } from '../support/envelopes.ts';
import { countingRandom } from '../support/fleetWorld.ts';
import { createIngestPlane, safetensors } from '../support/ingestPlane.ts';

const SET = '0f9c2f5e-6a43-4f0e-9a55-111111111111';
const KEY = 'uploads/tiny/1.0.0/a.safetensors';
const BYTES = safetensors(100, 1);
/** As long as a delete can be undone, and the margin for clocks that differ. */
const WINDOW_MS = 7 * DAY_MS + 2 * HOUR_MS;

/** A file of a set that is copied already, and waits for the rest of it. */
async function waiting() {
  const plane = await createIngestPlane();
  plane.queues.define('purge');
  const random = countingRandom();
  const key = generateKeyPair('plane-1', random);
  const deps = {
    ...plane.deps,
    random,
    commandKeys: { current: async () => key, published: async () => [key] },
    settings: { ...plane.deps.settings, commandTtlMs: HOUR_MS },
  };
  const startPurge = createStartPurgeHandler(deps);
  const purge = createPurgeHandler(deps);
  const push = (key = KEY) => plane.upload(key, BYTES, { metadata: { 'strata-set': SET } });
  await push();
  await plane.settle();
  const file = await SetFileRow.get(
    plane.catalog,
    ModelName.parse('tiny'),
    SemVer.parse('1.0.0'),
    SET,
    'a.safetensors',
  );
  const digest = file?.value.digest ?? expect.fail('the file is not ready');
  return {
    plane,
    digest,
    push,
    blob: async () => (await BlobRow.get(plane.catalog, digest))?.value,
    async withdraw() {
      await plane.objects.remove(KEY);
      await plane.settle();
    },
    /** One run of the purge with all that it sends; answers how many messages that were. */
    async runPurge() {
      await plane.clock.advance(MINUTE_MS);
      await startPurge({ schedule: 'purge', scheduledTime: new Date(plane.clock.now()).toISOString() }, testContext());
      await plane.relayOnce();
      const received = await plane.queues.receive('purge', 10, 0, 60);
      if (received.length > 0) {
        expect((await purge(sqsBatchOf(received), testContext())).batchItemFailures).toEqual([]);
      }
      for (const { receiptHandle } of received) await plane.queues.remove('purge', receiptHandle);
      return received.length;
    },
  };
}

describe('a set that is withdrawn before it is published', () => {
  it('keeps its bytes for the undo window, then they and their rows go', async () => {
    const world = await waiting();
    await world.withdraw();
    const { origin } = (await world.blob()) ?? expect.fail();
    await world.plane.clock.advance(WINDOW_MS - 10 * MINUTE_MS);
    expect(await world.runPurge()).toBe(0);
    expect(await world.blob()).toBeDefined();
    await world.plane.clock.advance(10 * MINUTE_MS);
    expect(await world.runPurge()).toBe(1);
    expect(await world.blob()).toBeUndefined();
    const rows = await queryAll(world.plane.catalog, { partition: `BLOB#${world.digest}`, ...startingWith('') });
    expect(rows.map(({ key }) => key.sort).filter((sort) => !sort.startsWith('ORPHAN#'))).toEqual([]);
    const { objects } = world.plane;
    expect(await objects.head(blobKey(world.digest), origin.versionId)).toEqual({ outcome: 'absent' });
    expect(await objects.head(manifestKey(world.digest))).toEqual({ outcome: 'absent' });
    expect(await world.runPurge()).toBe(0);
  });

  it('and pushed again within it keeps them', async () => {
    const world = await waiting();
    await world.withdraw();
    await world.plane.clock.advance(3 * DAY_MS);
    await world.push();
    await world.plane.settle();
    expect((await world.blob())?.unreferencedAt).toBeUndefined();
    await world.plane.clock.advance(WINDOW_MS);
    expect(await world.runPurge()).toBe(0);
    expect(await world.blob()).toBeDefined();
  });

  it('leaves bytes alone that another version got meanwhile', async () => {
    const world = await waiting();
    await world.plane.upload('uploads/other/1.0.0/b.safetensors', BYTES);
    await world.plane.settle();
    await world.withdraw();
    expect((await world.blob())?.unreferencedAt).toBeUndefined();
    await world.plane.clock.advance(WINDOW_MS);
    expect(await world.runPurge()).toBe(0);
    expect(await world.blob()).toBeDefined();
  });
});
