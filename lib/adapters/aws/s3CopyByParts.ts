import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListPartsCommand,
  type ListPartsCommandOutput,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { CopyOutcome } from '../../shared/ports/objectStore.ts';
import { MIB } from '../../shared/units.ts';
import { awsErrorName, portErrorOf } from './errors.ts';
import { isAbsent, written } from './s3Answers.ts';
import { type Copy, copySource } from './s3CopyRequest.ts';

/*
 * A copy by parts: begun (the upload id is told to the caller, if it is to be resumed) → parts copied, over any number of
 * calls; S3 itself knows which → completed, abandoned, or expired by the bucket's lifecycle. Two calls may work on one
 * upload at once: a part is copied twice then, and the later of two completions finds no upload any more.
 */

const MAX_PARTS = 10_000;

interface Parts {
  readonly size: number;
  readonly partBytes: number;
  readonly count: number;
}

interface Upload {
  readonly id: string;
  /** ETag by part number. */
  readonly done: Map<number, string>;
}

export async function copyByParts(copy: Copy, head: HeadObjectCommandOutput): Promise<CopyOutcome> {
  // The condition is enforced by the completion; a look before it saves copying what would be refused.
  if (copy.options.onlyIf === 'absent' && (await targetExists(copy))) return { outcome: 'exists' };
  const parts = planParts(head.ContentLength ?? 0, copy.limits.partBytes);
  // What one round of parts copies needs no resuming.
  const resumable = parts.count > copy.limits.parallelParts ? copy.options.resumable : undefined;
  const upload = await openUpload(copy, head, parts, resumable);
  try {
    await copyParts(copy, upload, parts, resumable?.mayGoOn ?? (() => true));
    if (upload.done.size < parts.count) return { outcome: 'unfinished' };
    return await complete(copy, upload, parts.size);
  } catch (error) {
    // Somebody else has completed or abandoned it.
    if (awsErrorName(error) === 'NoSuchUpload') return { outcome: 'busy' };
    const mayGoOn = resumable !== undefined && portErrorOf('copy', error).retryable;
    // Unreferenced parts cost storage; lifecycle and sweep take away what this cannot.
    if (!mayGoOn) await abort(copy, upload.id).catch(() => undefined);
    throw error;
  }
}

async function targetExists({ client, bucket, key }: Copy): Promise<boolean> {
  try {
    await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return true;
  } catch (error) {
    if (isAbsent(error, undefined)) return false;
    throw error;
  }
}

function planParts(size: number, wanted: number): Parts {
  const smallest = Math.ceil(size / MAX_PARTS / MIB) * MIB;
  const partBytes = size / wanted > MAX_PARTS ? smallest : wanted;
  return { size, partBytes, count: Math.ceil(size / partBytes) };
}

const bytesOf = ({ size, partBytes }: Parts, number: number): number =>
  Math.min(partBytes, size - (number - 1) * partBytes);

async function openUpload(
  copy: Copy,
  head: HeadObjectCommandOutput,
  parts: Parts,
  resumable: Copy['options']['resumable'],
): Promise<Upload> {
  if (resumable?.resume !== undefined) {
    const done = await copiedParts(copy, resumable.resume, parts);
    if (done !== undefined) return { id: resumable.resume, done };
  }
  const answer = await copy.client.send(
    new CreateMultipartUploadCommand({
      Bucket: copy.bucket,
      Key: copy.key,
      StorageClass: copy.options.storageClass ?? 'STANDARD',
      Metadata: copy.options.metadata ?? head.Metadata,
      ContentType: head.ContentType,
    }),
  );
  const id = answer.UploadId ?? '';
  await resumable?.begun(id);
  return { id, done: new Map() };
}

/** The parts that are there in the planned size; undefined where the upload is gone. */
async function copiedParts(copy: Copy, id: string, parts: Parts): Promise<Map<number, string> | undefined> {
  const done = new Map<number, string>();
  let marker: string | undefined;
  do {
    let page: ListPartsCommandOutput;
    try {
      page = await copy.client.send(
        new ListPartsCommand({ Bucket: copy.bucket, Key: copy.key, UploadId: id, PartNumberMarker: marker }),
      );
    } catch (error) {
      if (awsErrorName(error) === 'NoSuchUpload') return undefined;
      throw error;
    }
    for (const { PartNumber: number = 0, ETag: etag, Size: size } of page.Parts ?? []) {
      if (etag !== undefined && number <= parts.count && size === bytesOf(parts, number)) done.set(number, etag);
    }
    marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  return done;
}

/** Copies what is missing; each worker copies one part at least, so that every call brings the copy on. */
async function copyParts(copy: Copy, { id, done }: Upload, parts: Parts, mayGoOn: () => boolean): Promise<void> {
  const missing = Array.from({ length: parts.count }, (_, index) => index + 1).filter((number) => !done.has(number));
  const worker = async (): Promise<void> => {
    for (let number = missing.shift(); number !== undefined; number = mayGoOn() ? missing.shift() : undefined) {
      const first = (number - 1) * parts.partBytes;
      const answer = await copy.client.send(
        new UploadPartCopyCommand({
          Bucket: copy.bucket,
          Key: copy.key,
          UploadId: id,
          PartNumber: number,
          CopySource: copySource(copy),
          CopySourceRange: `bytes=${first}-${first + bytesOf(parts, number) - 1}`,
        }),
      );
      done.set(number, answer.CopyPartResult?.ETag ?? '');
    }
  };
  await Promise.all(Array.from({ length: Math.min(copy.limits.parallelParts, missing.length) }, worker));
}

async function complete(copy: Copy, { id, done }: Upload, size: number): Promise<CopyOutcome> {
  const listed = [...done].map(([PartNumber, ETag]) => ({ PartNumber, ETag }));
  const answer = await copy.client.send(
    new CompleteMultipartUploadCommand({
      Bucket: copy.bucket,
      Key: copy.key,
      UploadId: id,
      MultipartUpload: { Parts: listed.toSorted((a, b) => a.PartNumber - b.PartNumber) },
      ...(copy.options.onlyIf === 'absent' ? { IfNoneMatch: '*' } : {}),
    }),
  );
  return written(answer.VersionId, answer.ETag, size);
}

async function abort({ client, bucket, key }: Copy, id: string): Promise<void> {
  await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: id }));
}
