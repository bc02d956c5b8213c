import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutBucketVersioningCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openS3Object } from '../../lib/adapters/aws/s3Download.ts';
import { uploadFile } from '../../lib/adapters/aws/s3FileUpload.ts';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import { KeyTakenError } from '../../lib/adapters/aws/s3Upload.ts';
import { download } from '../../lib/adapters/transfer/download/download.ts';
import { createTransferEngine } from '../../lib/adapters/transfer/engine.ts';
import { MIB } from '../../lib/shared/units.ts';
import { missing, s3Of, useService } from '../support/aws.ts';
import { madeBytes } from '../support/madeBytes.ts';

const BUCKET = 'files';
const PART = 5 * MIB;
const FILE = madeBytes(3 * PART + 4321, 3);
const skipped = missing('minio');

describe.skipIf(skipped !== undefined)(`files to and from MinIO ${skipped ?? ''}`, () => {
  const service = useService('minio');
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'strata-files-')));
  const path = join(folder, 'model.bin');
  let client: S3Client;
  beforeAll(async () => {
    const { credentials } = service.running();
    process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId;
    process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey;
    client = s3Of(service.running());
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const VersioningConfiguration = { Status: 'Enabled' as const };
    await client.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration }));
    writeFileSync(path, FILE);
  });
  afterAll(() => {
    delete process.env['AWS_ACCESS_KEY_ID'];
    delete process.env['AWS_SECRET_ACCESS_KEY'];
    rmSync(folder, { recursive: true });
  });

  const place = () => ({ endpoint: service.running().endpoint, region: 'us-east-1', pathStyle: true });
  const upload = (key: string, change: { onBytes?: (bytes: number) => void; replace?: boolean } = {}) =>
    uploadFile({
      path,
      to: { bucket: BUCKET, key },
      place: place(),
      replace: false,
      partSize: PART,
      onBytes: () => undefined,
      ...change,
    });

  it('an uploaded file has parts whose SHA-256 the store has verified, so that its digest needs no byte of it', async () => {
    const { versionId, size } = await upload('verified');
    expect(size).toBe(FILE.length);
    const store = createS3ObjectStore({ client, bucket: BUCKET, verifiesChecksums: true });
    const hashes = [0, 1, 2, 3].map((part) =>
      createHash('sha256')
        .update(FILE.subarray(part * PART, (part + 1) * PART))
        .digest('hex'),
    );
    expect(await store.verifiedParts('verified', versionId, PART)).toEqual({ sha256: hashes });
  });

  it('one that was cut off goes on with the parts that the store has not verified yet', async () => {
    let parts = 0;
    const stopped = upload('resumed', {
      onBytes() {
        parts += 1;
        if (parts === 2) throw new Error('killed');
      },
    });
    await expect(stopped).rejects.toThrow('killed');
    expect(existsSync(`${path}.upload`)).toBe(true);
    const { bytesKept } = await upload('resumed');
    // The two that were told of: at least one of them a whole part.
    expect(bytesKept).toBeGreaterThanOrEqual(PART + 4321);
    expect(existsSync(`${path}.upload`)).toBe(false);
  });

  it('takes no key that is taken, unless it is told to', async () => {
    await upload('taken');
    await expect(upload('taken')).rejects.toBeInstanceOf(KeyTakenError);
    expect((await upload('taken', { replace: true })).size).toBe(FILE.length);
  });

  it('a fetched object is the pinned version, checked part by part', async () => {
    const first = await upload('fetched');
    const opened = await openS3Object({ bucket: BUCKET, key: 'fetched', versionId: undefined }, place());
    expect(opened.name).toContain(first.versionId);
    await upload('fetched', { replace: true });
    const engine = createTransferEngine();
    const target = join(folder, 'copy.bin');
    const done = await download({ ...opened, engine, target, replace: false });
    await engine.close();
    expect(done.bytes).toBe(FILE.length);
    expect(readFileSync(target).equals(FILE)).toBe(true);
  });

  it('says that there is no such object', async () => {
    const opening = openS3Object({ bucket: BUCKET, key: 'none', versionId: undefined }, place());
    await expect(opening).rejects.toMatchObject({ code: 'absent' });
  });
});
