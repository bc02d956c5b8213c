import { createHash } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutBucketVersioningCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { readManifest } from '../../agent/nvme/manifest.ts';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import { listTiers, shippedPriceBook } from '../../lib/pricing/index.ts';
import { Digest, StorageClass } from '../../lib/shared/ids.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import { MIB } from '../../lib/shared/units.ts';
import { missing, s3Of, useService } from '../support/aws.ts';
import { lockedObjectsContract } from './lockedObjects.suite.ts';
import { objectStoreContract } from './objectStore.suite.ts';

const BUCKET = 'contract-models';
const LOCKED_BUCKET = 'contract-locked';
const PART = 5 * MIB;

const hasOneClass = (tier: string): boolean =>
  listTiers(shippedPriceBook()).some((one) => one.tier === tier && one.lacks.includes('storage-classes'));
const classesOf = (tier: string): readonly StorageClass[] => (hasOneClass(tier) ? ['STANDARD'] : StorageClass.options);

/** What each store really enforces, where it can as its tier declares; the contract is the same for both. */
const STORES = [
  { name: 'S3 (MiniStack)', service: 'ministack', classes: classesOf('s3'), tellsParts: false },
  { name: 'MinIO', service: 'minio', classes: classesOf('minio'), tellsParts: true },
] as const;

for (const { name, service: serviceName, classes, tellsParts } of STORES) {
  const skipped = missing(serviceName);
  describe.skipIf(skipped !== undefined)(`${name} ${skipped ?? ''}`, () => {
    const service = useService(serviceName);
    let client: S3Client;
    let store: ObjectStore;
    let locked: ObjectStore;
    beforeAll(async () => {
      client = s3Of(service.running());
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      const VersioningConfiguration = { Status: 'Enabled' as const };
      await client.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration }));
      store = createS3ObjectStore({ client, bucket: BUCKET, verifiesChecksums: true, classes });
      await client.send(new CreateBucketCommand({ Bucket: LOCKED_BUCKET, ObjectLockEnabledForBucket: true }));
      locked = createS3ObjectStore({ client, bucket: LOCKED_BUCKET, verifiesChecksums: true });
    });

    objectStoreContract(name, async () => ({ store, hastensRestores: false, partBytes: PART }));
    lockedObjectsContract(name, async () => locked, Date.now);

    it('says of a bucket that is not there that it is not, to whoever reads, and to a host that looks for a manifest', async () => {
      const astray = createS3ObjectStore({ client, bucket: 'nobody-made-this', verifiesChecksums: true });
      await expect(astray.readRange('blobs/x', 'null', 0, 1)).rejects.toMatchObject({ code: 'no-such-bucket' });
      expect(await store.readRange('blobs/x', 'null', 0, 1)).toEqual({ outcome: 'absent' });
      const wanted = { digest: Digest.parse('a'.repeat(64)), size: 1, partSize: PART };
      expect(await readManifest(store, wanted)).toMatchObject({ outcome: 'failed', code: 'origin-absent' });
      const read = await readManifest(astray, wanted);
      expect(read).toMatchObject({ outcome: 'failed', code: 'origin-unavailable' });
      expect(read).toMatchObject({ message: expect.stringContaining('STRATA_BUCKET') });
    });

    it('copies by parts above its limit for one request', async () => {
      const copyLimits = { singleCopyBytes: PART, partBytes: PART, parallelParts: 8 };
      const byParts = createS3ObjectStore({ client, bucket: BUCKET, verifiesChecksums: true, copyLimits });
      const content = Buffer.alloc(2 * PART + 12_345, 'strata');
      const source = await store.write('large/source', content, { metadata: { note: 'kept' } });
      const versionId = source.outcome === 'written' ? source.versionId : '';
      const copied = await byParts.copy({ key: 'large/source', versionId }, 'large/copy', { onlyIf: 'absent' });
      expect(copied).toMatchObject({ outcome: 'written', size: content.length });
      expect(await byParts.copy({ key: 'large/source', versionId }, 'large/copy', { onlyIf: 'absent' })).toEqual({
        outcome: 'exists',
      });
      const head = await store.head('large/copy');
      expect(head).toMatchObject({ head: { size: content.length, metadata: { note: 'kept' } } });
      const copyId = copied.outcome === 'written' ? copied.versionId : '';
      const read = await store.readRange('large/copy', copyId, 0, content.length);
      expect(read.outcome === 'read' && Buffer.compare(read.bytes, content)).toBe(0);
    });

    it('copies over several calls, finds what it has copied, and begins anew where that is gone', async () => {
      const copyLimits = { singleCopyBytes: PART, partBytes: PART, parallelParts: 1 };
      const slow = createS3ObjectStore({ client, bucket: BUCKET, verifiesChecksums: true, copyLimits });
      const content = Buffer.concat([1, 2, 3].map((part) => Buffer.alloc(part === 3 ? 12_345 : PART, part)));
      const written = await store.write('slow/source', content);
      const source = { key: 'slow/source', versionId: written.outcome === 'written' ? written.versionId : '' };
      const begun: string[] = [];
      const copy = (resume: string | undefined) =>
        slow.copy(source, 'slow/copy', {
          onlyIf: 'absent',
          resumable: {
            resume,
            mayGoOn: () => false,
            begun: async (told) => {
              begun.push(told);
            },
          },
        });
      expect(await copy(undefined)).toEqual({ outcome: 'unfinished' });
      const listed = await slow.listUnfinishedCopies({ prefix: 'slow/copy', limit: 10 });
      expect(listed.copies).toMatchObject([{ key: 'slow/copy', resume: begun[0] }]);
      await slow.abandonCopy('slow/copy', begun[0] ?? '');
      await slow.abandonCopy('slow/copy', begun[0] ?? '');
      expect((await slow.listUnfinishedCopies({ prefix: 'slow/copy', limit: 10 })).copies).toEqual([]);
      for (let call = 0; call < 2; call += 1) expect(await copy(begun.at(-1))).toEqual({ outcome: 'unfinished' });
      const copied = await copy(begun.at(-1));
      expect(copied).toMatchObject({ outcome: 'written', size: content.length });
      expect(begun).toHaveLength(2);
      const read = await store.readRange(
        'slow/copy',
        copied.outcome === 'written' ? copied.versionId : '',
        0,
        content.length,
      );
      expect(read.outcome === 'read' && Buffer.compare(read.bytes, content)).toBe(0);
      expect(await copy(undefined)).toEqual({ outcome: 'exists' });
      expect(begun).toHaveLength(2);
    });

    it('knows the parts that the store verified, and trusts no others', async () => {
      const parts = [Buffer.alloc(PART, 1), Buffer.alloc(PART, 2), Buffer.alloc(77, 3)];
      const versionId = await uploadParts(client, 'parts/verified', parts);
      const hashes = parts.map((part) => createHash('sha256').update(part).digest('hex'));
      // MiniStack forgets the parts' checksums, so nothing counts as verified there.
      expect(await store.verifiedParts('parts/verified', versionId, PART)).toEqual(
        tellsParts ? { sha256: hashes } : undefined,
      );
      expect(await store.verifiedParts('parts/verified', versionId, PART + 1)).toBeUndefined();
      const distrustful = createS3ObjectStore({ client, bucket: BUCKET, verifiesChecksums: false });
      expect(await distrustful.verifiedParts('parts/verified', versionId, PART)).toBeUndefined();
    });

    it('counts an object of one part as verified when it was put with its SHA-256', async () => {
      const body = Buffer.from('one part');
      const written = await store.write('parts/whole', body);
      const versionId = written.outcome === 'written' ? written.versionId : '';
      const hash = createHash('sha256').update(body).digest('hex');
      expect(await store.verifiedParts('parts/whole', versionId, PART)).toEqual({ sha256: [hash] });
      expect(await store.verifiedParts('parts/whole', versionId, 4)).toBeUndefined();
    });

    it('verifies the SHA-256 of a part as it comes in', async () => {
      const target = { Bucket: BUCKET, Key: 'parts/wrong' };
      const upload = await client.send(new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'SHA256' }));
      const wrong = createHash('sha256').update('something else').digest('base64');
      const sent = client.send(
        new UploadPartCommand({
          ...target,
          UploadId: upload.UploadId,
          PartNumber: 1,
          Body: Buffer.alloc(10),
          ChecksumSHA256: wrong,
        }),
      );
      await expect(sent).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
    });
  });
}

async function uploadParts(client: S3Client, key: string, parts: readonly Buffer[]): Promise<string> {
  const target = { Bucket: BUCKET, Key: key };
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'SHA256', ChecksumType: 'COMPOSITE' }),
  );
  const done = [];
  for (const [index, Body] of parts.entries()) {
    const PartNumber = index + 1;
    const sent = await client.send(
      new UploadPartCommand({ ...target, UploadId, PartNumber, Body, ChecksumAlgorithm: 'SHA256' }),
    );
    done.push({ PartNumber, ETag: sent.ETag, ChecksumSHA256: sent.ChecksumSHA256 });
  }
  const completed = await client.send(
    new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: done } }),
  );
  return completed.VersionId ?? '';
}
