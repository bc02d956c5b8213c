import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  type HeadObjectCommandOutput,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { CopyOutcome, WriteOptions } from '../../shared/ports/objectStore.ts';
import { GIB, MIB } from '../../shared/units.ts';
import { awsErrorName, portErrorOf } from './errors.ts';
import { isAbsent, isArchived, refusedWrite, restoreOf } from './s3Answers.ts';

export interface CopyLimits {
  /** CopyObject takes at most 5 GiB. */
  readonly singleCopyBytes: number;
  /** 512 MiB until 10,000 parts would not do. */
  readonly partBytes: number;
}

export const S3_COPY_LIMITS: CopyLimits = { singleCopyBytes: 5 * GIB, partBytes: 512 * MIB };
const MAX_PARTS = 10_000;
const PARALLEL_PARTS = 8;
const SOURCE_GONE = new Set(['NoSuchKey', 'NoSuchVersion']);

interface Copy {
  readonly client: S3Client;
  readonly bucket: string;
  readonly limits: CopyLimits;
  readonly source: { readonly key: string; readonly versionId: string };
  readonly key: string;
  readonly options: WriteOptions;
}

/**
 * Copies one pinned version inside the bucket without its bytes passing through here. A copy that must not replace anything
 * goes by parts too: only the condition on completing an upload is enforced by every store that speaks this protocol.
 */
export async function copyObject(copy: Copy): Promise<CopyOutcome> {
  const what = `copy ${copy.source.key} to ${copy.key}`;
  const source = { Bucket: copy.bucket, Key: copy.source.key, VersionId: copy.source.versionId };
  let head: HeadObjectCommandOutput;
  try {
    head = await copy.client.send(new HeadObjectCommand(source));
  } catch (error) {
    if (isAbsent(error, source.VersionId)) return { outcome: 'source-absent' };
    throw portErrorOf(what, error);
  }
  const { restore } = restoreOf(head);
  if (restore !== undefined && restore.state !== 'restored') return { outcome: 'source-archived' };
  try {
    return await copyHeaded(copy, head);
  } catch (error) {
    const refused = refusedWrite(error);
    if (refused !== undefined) return refused;
    if (isArchived(error)) return { outcome: 'source-archived' };
    if (SOURCE_GONE.has(awsErrorName(error))) return { outcome: 'source-absent' };
    throw portErrorOf(what, error);
  }
}

function copyHeaded(copy: Copy, head: HeadObjectCommandOutput): Promise<CopyOutcome> {
  const size = head.ContentLength ?? 0;
  // An upload by parts has at least one byte.
  if (size === 0) return copyEmpty(copy, head);
  const whole = size <= copy.limits.singleCopyBytes && copy.options.onlyIf === undefined;
  return whole ? copyWhole(copy, head) : copyByParts(copy, head);
}

async function copyEmpty(copy: Copy, head: HeadObjectCommandOutput): Promise<CopyOutcome> {
  const answer = await copy.client.send(
    new PutObjectCommand({
      Bucket: copy.bucket,
      Key: copy.key,
      StorageClass: copy.options.storageClass ?? 'STANDARD',
      Metadata: copy.options.metadata ?? head.Metadata,
      ContentType: head.ContentType,
      ...(copy.options.onlyIf === 'absent' ? { IfNoneMatch: '*' } : {}),
    }),
  );
  return written(answer.VersionId, answer.ETag, 0);
}

async function copyWhole(copy: Copy, head: HeadObjectCommandOutput): Promise<CopyOutcome> {
  const { options } = copy;
  const answer = await copy.client.send(
    new CopyObjectCommand({
      Bucket: copy.bucket,
      Key: copy.key,
      CopySource: copySource(copy),
      StorageClass: options.storageClass ?? 'STANDARD',
      // Copying tags would need rights to read and write them.
      TaggingDirective: 'REPLACE',
      ...(options.metadata === undefined
        ? {}
        : { MetadataDirective: 'REPLACE', Metadata: options.metadata, ContentType: head.ContentType }),
    }),
  );
  return written(answer.VersionId, answer.CopyObjectResult?.ETag, head.ContentLength);
}

async function copyByParts(copy: Copy, head: HeadObjectCommandOutput): Promise<CopyOutcome> {
  const target = { Bucket: copy.bucket, Key: copy.key };
  const size = head.ContentLength ?? 0;
  const upload = await copy.client.send(
    new CreateMultipartUploadCommand({
      ...target,
      StorageClass: copy.options.storageClass ?? 'STANDARD',
      Metadata: copy.options.metadata ?? head.Metadata,
      ContentType: head.ContentType,
    }),
  );
  try {
    const parts = await copyParts(copy, upload.UploadId, size);
    const answer = await copy.client.send(
      new CompleteMultipartUploadCommand({
        ...target,
        UploadId: upload.UploadId,
        MultipartUpload: { Parts: parts },
        ...(copy.options.onlyIf === 'absent' ? { IfNoneMatch: '*' } : {}),
      }),
    );
    return written(answer.VersionId, answer.ETag, size);
  } catch (error) {
    // Unreferenced parts cost storage; the bucket's lifecycle expires what this abort cannot.
    await copy.client
      .send(new AbortMultipartUploadCommand({ ...target, UploadId: upload.UploadId }))
      .catch(() => undefined);
    throw error;
  }
}

async function copyParts(
  copy: Copy,
  uploadId: string | undefined,
  size: number,
): Promise<{ PartNumber: number; ETag: string | undefined }[]> {
  const smallest = Math.ceil(size / MAX_PARTS / MIB) * MIB;
  const partBytes = size / copy.limits.partBytes > MAX_PARTS ? smallest : copy.limits.partBytes;
  const count = Math.ceil(size / partBytes);
  const parts: { PartNumber: number; ETag: string | undefined }[] = [];
  let next = 1;
  const worker = async (): Promise<void> => {
    while (next <= count) {
      const number = next;
      next += 1;
      const first = (number - 1) * partBytes;
      const answer = await copy.client.send(
        new UploadPartCopyCommand({
          Bucket: copy.bucket,
          Key: copy.key,
          UploadId: uploadId,
          PartNumber: number,
          CopySource: copySource(copy),
          CopySourceRange: `bytes=${first}-${Math.min(first + partBytes, size) - 1}`,
        }),
      );
      parts.push({ PartNumber: number, ETag: answer.CopyPartResult?.ETag });
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_PARTS, count) }, worker));
  return parts.toSorted((a, b) => a.PartNumber - b.PartNumber);
}

function copySource(copy: Copy): string {
  const key = copy.source.key.split('/').map(encodeURIComponent).join('/');
  return `${copy.bucket}/${key}?versionId=${encodeURIComponent(copy.source.versionId)}`;
}

export function written(
  versionId: string | undefined,
  etag: string | undefined,
  size: number | undefined,
): Extract<CopyOutcome, { outcome: 'written' }> {
  return { outcome: 'written', versionId: versionId ?? 'null', etag: unquoted(etag), size: size ?? 0 };
}

/** ETags are compared, never interpreted; the quotes of the header are not part of them. */
export function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}
