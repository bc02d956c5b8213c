import { CreateBucketCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { ActionRow, type Blob, BlobRow } from '../../lib/catalog/index.ts';
import { blobDigest, blobKey, manifestKey, PART_SIZE, partHash } from '../../lib/shared/digest.ts';
import { originLocation } from '../../lib/shared/ids.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import { Bytes, MIB } from '../../lib/shared/units.ts';
import { transitionReplica } from '../../lib/tiering/index.ts';
import { missing, s3Of, useService } from '../support/aws.ts';
import { decidedTransition } from '../support/decidedTransition.ts';
import { createManualClock } from '../support/manualClock.ts';
import { recordedTelemetry } from '../support/recordedTelemetry.ts';
import { weights } from '../support/weights.ts';

const skipped = missing('minio');

/** Parts as S3 takes them: one that packs to less than 5 MiB, one of weights, and a short one. */
function content(): Buffer {
  const some = Buffer.from(weights('BF16', 2 * MIB, 1));
  const part = Buffer.concat(Array.from({ length: Math.ceil(PART_SIZE / some.length) }, () => some));
  return Buffer.concat([Buffer.alloc(PART_SIZE), part.subarray(0, PART_SIZE), some.subarray(0, 1_234_567)]);
}

describe.skipIf(skipped !== undefined)(`Origins on MinIO ${skipped ?? ''}`, () => {
  const service = useService('minio');

  it('are packed and unpacked in parts of 64 MiB, to the same bytes', { timeout: 120_000 }, async () => {
    const client = s3Of(service.running());
    const bucket = 'packed-origins';
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const VersioningConfiguration = { Status: 'Enabled' as const };
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    const objects: ObjectStore = createS3ObjectStore({ client, bucket, verifiesChecksums: true });
    const catalog = createSqliteCatalogStore(openDatabase(':memory:'));
    const clock = createManualClock();
    const deps = {
      catalog,
      objects,
      clock,
      telemetry: recordedTelemetry().telemetry,
      settings: { region: 'local', tierSweep: 'on' as const, tierPacking: 'on' as const },
    };
    const bytes = content();
    const cut = [0, 1, 2].map((part) => bytes.subarray(part * PART_SIZE, (part + 1) * PART_SIZE));
    const parts = cut.map((part) => partHash(part));
    const digest = blobDigest(bytes.length, PART_SIZE, parts);
    const resume = await objects.beginParts(blobKey(digest));
    for (const [index, part] of cut.entries()) await objects.writePart(blobKey(digest), resume, index + 1, part);
    const stored = await objects.endParts(blobKey(digest), resume, 3);
    const versionId = stored.outcome === 'written' ? stored.versionId : '';
    const manifest = { schema: 'strata-parts-1', digest, size: bytes.length, partSize: PART_SIZE, parts };
    await objects.write(manifestKey(digest), Buffer.from(JSON.stringify(manifest)));
    const blob: Blob = {
      digest,
      size: Bytes.parse(bytes.length),
      partSize: Bytes.parse(PART_SIZE),
      findings: { status: 'clean', rules: 'test', format: 'safetensors', kind: 'checkpoints', reasons: [] },
      createdAt: clock.now(),
      origin: {
        location: originLocation('local', 'STANDARD'),
        storageClass: 'STANDARD',
        versionId,
        billedSince: clock.now(),
      },
      tier: 'hot',
    };
    await catalog.transact([BlobRow.put(blob, 'absent')]);

    const rewrite = async (encoding: 'identity' | 'byteplane-zstd-1') => {
      const before = (await BlobRow.get(catalog, digest))!.value;
      const { action, message } = decidedTransition(before, encoding, clock.now(), { encoding });
      await catalog.transact([ActionRow.put(action, 'absent')]);
      expect(await transitionReplica(deps, message, () => 400_000)).toBe('switched');
      await objects.remove(blobKey(digest), before.origin.versionId);
      // As the deletion of what was replaced leaves it.
      const rows = await catalog.query({ partition: `BLOB#${digest}`, from: 'REPLICA#', to: 'REPLICA$', limit: 9 });
      for (const { key, version } of rows.items) await catalog.transact([{ kind: 'delete', key, expect: { version } }]);
      return (await BlobRow.get(catalog, digest))!.value.origin;
    };

    const { packed } = await rewrite('byteplane-zstd-1');
    // Two thirds of the weights, and no less than S3 wants of the part that is all zeros.
    expect(packed?.bytes).toBeGreaterThan(5 * MIB + 0.6 * PART_SIZE);
    expect(packed?.bytes).toBeLessThan(5.5 * MIB + 0.75 * PART_SIZE);
    const plain = await rewrite('identity');
    expect(plain.packed).toBeUndefined();
    for (const [index, part] of cut.entries()) {
      const read = await objects.readRange(blobKey(digest), plain.versionId, index * PART_SIZE, part.length);
      expect(read.outcome === 'read' && Buffer.compare(read.bytes, part)).toBe(0);
    }
    expect((await objects.verifiedParts(blobKey(digest), plain.versionId, PART_SIZE))?.sha256).toEqual(parts);
  });
});
