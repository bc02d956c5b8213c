import { describe, expect, it } from 'vitest';
import { BlobRow, expectationOf, UploadPartsRow } from '../../lib/catalog/index.ts';
import { crc32cHex } from '../../lib/shared/crc32c/index.ts';
import { crc32cOf } from '../../lib/shared/crc32c/ofBytes.ts';
import { blobDigest, manifestIsSound, manifestKey, PartManifest, partHash } from '../../lib/shared/digest.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import { createIngestPlane, type IngestPlane, PLANE_PART_SIZE, safetensors } from '../support/ingestPlane.ts';

const KEY = 'uploads/tiny/1.0.0/tiny.safetensors';
const BYTES = safetensors(1000);
const PARTS = Array.from({ length: Math.ceil(BYTES.length / PLANE_PART_SIZE) }, (_, part) =>
  BYTES.subarray(part * PLANE_PART_SIZE, (part + 1) * PLANE_PART_SIZE),
);
const HASHES = PARTS.map(partHash);
const CHECKSUMS = PARTS.map((part) => crc32cHex(crc32cOf(part)));
const DIGEST = blobDigest(BYTES.length, PLANE_PART_SIZE, HASHES);

async function manifestOf(plane: IngestPlane): Promise<PartManifest> {
  const found = await plane.objects.head(manifestKey(DIGEST));
  if (found.outcome !== 'found') throw new Error('no manifest');
  const { versionId, size } = found.head;
  const read = await plane.objects.readRange(manifestKey(DIGEST), versionId, 0, size);
  if (read.outcome !== 'read') throw new Error('manifest unreadable');
  return PartManifest.parse(JSON.parse(Buffer.from(read.bytes).toString()));
}

const planted = (crc32c: readonly string[] | undefined) =>
  JSON.stringify({
    schema: 'strata-parts-1',
    digest: DIGEST,
    size: BYTES.length,
    partSize: PLANE_PART_SIZE,
    parts: HASHES,
    crc32c,
  });

describe('the part manifest of a published blob', () => {
  it.each([false, true])('has the CRC-32C of each part (computed by the store: %s)', async (verifiesParts) => {
    const plane = await createIngestPlane({ verifiesParts });
    await plane.upload(KEY, BYTES);
    await plane.settle();
    expect((await manifestOf(plane)).crc32c).toEqual(CHECKSUMS);
  });

  it('has none where an earlier release has hashed parts that are not read again', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, BYTES);
    await plane.deliver(...plane.events());
    plane.loseEvents();
    await plane.work('ingest');
    const { head } = await plane.objects.head(KEY).then((found) => {
      if (found.outcome !== 'found') throw new Error('no upload');
      return found;
    });
    const begun = { key: KEY, versionId: head.versionId, first: 0, hashes: HASHES.slice(0, 2) };
    const expiresAt = EpochMs.parse(plane.clock.now() + 1_000_000);
    await plane.catalog.transact([UploadPartsRow.put({ ...begun, expiresAt }, expectationOf(undefined))]);
    await plane.settle();
    const manifest = await manifestOf(plane);
    expect(manifestIsSound(manifest)).toBe(true);
    expect(manifest.crc32c).toBeUndefined();
    expect(await BlobRow.get(plane.catalog, DIGEST)).toBeDefined();
  });

  it.each([
    ['covers one with another CRC-32C', CHECKSUMS.with(1, '00000000'), CHECKSUMS, 2],
    ['is the one that was there with the same', CHECKSUMS, CHECKSUMS, 1],
    ['is the one that was there without any', undefined, undefined, 1],
  ])('%s', async (_, before, after, versions) => {
    const plane = await createIngestPlane();
    await plane.upload(manifestKey(DIGEST), planted(before));
    await plane.upload(KEY, BYTES);
    await plane.settle();
    expect((await manifestOf(plane)).crc32c).toEqual(after);
    const there = await plane.objects.listVersions({ prefix: manifestKey(DIGEST), limit: 10 });
    expect(there.versions).toHaveLength(versions);
  });
});
