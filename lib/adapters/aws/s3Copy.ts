import {
  CopyObjectCommand,
  type HeadObjectCommandOutput,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { CopyOutcome } from '../../shared/ports/objectStore.ts';
import { awsErrorName, portErrorOf } from './errors.ts';
import { copyByParts } from './s3CopyByParts.ts';
import { type Copy, copySource } from './s3CopyRequest.ts';
import { isAbsent, isArchived, refusedWrite, restoreOf, written } from './s3Answers.ts';

const SOURCE_GONE = new Set(['NoSuchKey', 'NoSuchVersion']);

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
