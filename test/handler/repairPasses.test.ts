import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BlobRow, VersionRow } from '../../lib/catalog/index.ts';
import { Digest, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../lib/shared/units.ts';
import { createIngestPlane, type IngestPlane, type IngestPlaneOptions, safetensors } from '../support/ingestPlane.ts';

/** A plane with one blob and so many more in the catalog that are like it, but have no object. */
async function planeWith(lost: number, options: IngestPlaneOptions = {}): Promise<IngestPlane> {
  const plane = await createIngestPlane(options);
  await plane.upload('uploads/tiny/1.0.0/tiny.safetensors', safetensors(200));
  await plane.settle();
  const published = await VersionRow.get(plane.catalog, ModelName.parse('tiny'), SemVer.parse('1.0.0'));
  const digest = published?.value.files[0]?.digest ?? expect.fail('not published');
  const blob = (await BlobRow.get(plane.catalog, digest))?.value ?? expect.fail('no blob');
  for (let n = 1; n <= lost; n += 1) {
    const like = { ...blob, digest: Digest.parse(createHash('sha256').update(String(n)).digest('hex')) };
    await plane.catalog.transact([BlobRow.put(like, 'absent')]);
  }
  return plane;
}

function lostDigests(plane: IngestPlane): readonly unknown[] {
  return plane.telemetry.records.filter(({ event }) => event === 'blob-lost').map(({ fields }) => fields['digest']);
}

describe('a look at all blobs', () => {
  it('gets through more in one run than a page of each shard, while there is time', async () => {
    const plane = await planeWith(1_200);
    await plane.reconcile();
    expect(lostDigests(plane)).toHaveLength(1_200);
  });

  it('goes on with the blob for which the last run had no time, though none can be repaired', async () => {
    let left = 7;
    let headMs = 0;
    const plane: IngestPlane = await planeWith(30, {
      remainingMs: () => (left > 0 ? 600_000 : 1_000),
      objects: (store) => ({
        ...store,
        async head(key, versionId) {
          if (headMs > 0) await plane.clock.advance(headMs);
          const answer = await store.head(key, versionId);
          // What is current under the key of a blob is asked for by its repair alone.
          if (headMs > 0 && versionId === undefined && !key.endsWith('.parts')) left -= 1;
          return answer;
        },
      }),
    });
    headMs = 100;
    const lost = () => new Set(lostDigests(plane)).size;
    for (let runs = 0; runs < 6 && lost() < 30; runs += 1) {
      left = 7;
      await plane.reconcile();
    }
    expect(lost()).toBe(30);
  });

  it('rests a hundred times as long as it took, a day at most', async () => {
    let headMs = 0;
    const plane: IngestPlane = await planeWith(20, {
      objects: (store) => ({
        ...store,
        async head(key, versionId) {
          if (headMs > 0) await plane.clock.advance(headMs);
          return store.head(key, versionId);
        },
      }),
    });
    headMs = 100;
    const began = plane.clock.now();
    await plane.reconcile();
    const tookMs = plane.clock.now() - began;
    expect(tookMs).toBeGreaterThan(4 * SECOND_MS);
    await plane.clock.advance(99 * tookMs - SECOND_MS);
    await plane.reconcile();
    expect(lostDigests(plane)).toHaveLength(20);
    await plane.clock.advance(SECOND_MS);
    headMs = MINUTE_MS;
    await plane.reconcile();
    expect(lostDigests(plane)).toHaveLength(40);
    await plane.clock.advance(DAY_MS);
    await plane.reconcile();
    expect(lostDigests(plane)).toHaveLength(60);
  });
});

it('a run that has time for one page of older rows has looked at the blobs before', async () => {
  let indexing = false;
  const plane = await planeWith(3, {
    remainingMs: () => (indexing ? 1_000 : 600_000),
    catalog: (store) => ({
      ...store,
      async transact(changes) {
        indexing ||= JSON.stringify(changes).includes('upload-index');
        return store.transact(changes);
      },
    }),
  });
  await plane.reconcile();
  expect(indexing).toBe(true);
  expect(lostDigests(plane)).toHaveLength(3);
});
