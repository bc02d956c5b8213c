import {
  GetObjectAttributesCommand,
  type GetObjectAttributesParts,
  HeadObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { partCount } from '../../shared/digest.ts';
import { portErrorOf } from './errors.ts';
import { isAbsent } from './s3Answers.ts';

interface Question {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly partSize: number;
}

/**
 * The SHA-256 of each fixed part, where the object was uploaded in exactly such parts with SHA-256 checksums, which S3
 * checked as the bytes came in. An object of one part counts when it was put whole with a SHA-256 checksum.
 */
export async function readVerifiedParts(question: Question): Promise<readonly string[] | undefined> {
  const target = { Bucket: question.bucket, Key: question.key, VersionId: question.versionId };
  try {
    const head = await question.client.send(new HeadObjectCommand({ ...target, ChecksumMode: 'ENABLED' }));
    const size = head.ContentLength ?? 0;
    const count = partCount(size, question.partSize);
    if (head.ChecksumSHA256 === undefined) return undefined;
    if (head.ChecksumType === 'FULL_OBJECT') return count === 1 ? [hexOf(head.ChecksumSHA256)] : undefined;
    return await readParts(question, size, count);
  } catch (error) {
    if (isAbsent(error, question.versionId)) return undefined;
    throw portErrorOf(`read the checksums of ${question.key}`, error);
  }
}

async function readParts(question: Question, size: number, count: number): Promise<readonly string[] | undefined> {
  const hashes: string[] = [];
  let marker: string | undefined;
  do {
    const page = await ask(question, marker);
    if (page?.TotalPartsCount !== count) return undefined;
    for (const part of page.Parts ?? []) {
      const expected = Math.min(question.partSize, size - hashes.length * question.partSize);
      if (part.ChecksumSHA256 === undefined || part.Size !== expected) return undefined;
      hashes.push(hexOf(part.ChecksumSHA256));
    }
    marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  return hashes.length === count ? hashes : undefined;
}

async function ask(question: Question, marker: string | undefined): Promise<GetObjectAttributesParts | undefined> {
  const answer = await question.client.send(
    new GetObjectAttributesCommand({
      Bucket: question.bucket,
      Key: question.key,
      VersionId: question.versionId,
      // One attribute alone: MinIO does not understand a list with spaces, which the SDK sends.
      ObjectAttributes: ['ObjectParts'],
      MaxParts: 1000,
      PartNumberMarker: marker,
    }),
  );
  return answer.ObjectParts;
}

function hexOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
