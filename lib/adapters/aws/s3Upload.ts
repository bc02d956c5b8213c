import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { PART_SIZE } from '../../shared/digest.ts';
import { mapErrors } from './errors.ts';

export interface S3UploadOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** The part size of digests, so that S3's own part checksums become the blob's; at least 5 MiB. */
  readonly partSize?: number;
}

export interface S3Source {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

const PARALLEL_PARTS = 4;

/**
 * Uploads a file so that S3 verifies the SHA-256 of each part as it comes in: the digest step then reads no byte of it. A
 * failed upload is aborted; what a killed process leaves, the bucket's lifecycle rule removes. `onBytes` is told of each part.
 */
export async function uploadToS3(
  { client, bucket, partSize = PART_SIZE }: S3UploadOptions,
  key: string,
  source: S3Source,
  metadata: Readonly<Record<string, string>>,
  onBytes: (bytes: number) => void,
): Promise<{ readonly versionId: string }> {
  const target = { Bucket: bucket, Key: key };
  if (source.size <= partSize) {
    const bytes = await source.read(0, source.size);
    const answer = await mapErrors(`upload ${key}`, () =>
      client.send(
        new PutObjectCommand({ ...target, Body: bytes, Metadata: { ...metadata }, ChecksumSHA256: sha256(bytes) }),
      ),
    );
    onBytes(bytes.byteLength);
    return { versionId: answer.VersionId ?? 'null' };
  }
  return mapErrors(`upload ${key}`, async () => {
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({
        ...target,
        Metadata: { ...metadata },
        ChecksumAlgorithm: 'SHA256',
        ChecksumType: 'COMPOSITE',
      }),
    );
    try {
      const Parts = await uploadParts({ client, target: { ...target, UploadId }, source, partSize, onBytes });
      const answer = await client.send(
        new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
      );
      return { versionId: answer.VersionId ?? 'null' };
    } catch (error) {
      await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
      throw error;
    }
  });
}

interface PartsUpload {
  readonly client: S3Client;
  readonly target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined };
  readonly source: S3Source;
  readonly partSize: number;
  readonly onBytes: (bytes: number) => void;
}

async function uploadParts({ client, target, source, partSize, onBytes }: PartsUpload) {
  const count = Math.ceil(source.size / partSize);
  const parts: { PartNumber: number; ETag: string | undefined; ChecksumSHA256: string }[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const part = next;
      next += 1;
      const offset = part * partSize;
      const bytes = await source.read(offset, Math.min(partSize, source.size - offset));
      const ChecksumSHA256 = sha256(bytes);
      const PartNumber = part + 1;
      const { ETag } = await client.send(new UploadPartCommand({ ...target, PartNumber, Body: bytes, ChecksumSHA256 }));
      parts.push({ PartNumber, ETag, ChecksumSHA256 });
      onBytes(bytes.byteLength);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_PARTS, count) }, worker));
  return parts.sort((a, b) => a.PartNumber - b.PartNumber);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
