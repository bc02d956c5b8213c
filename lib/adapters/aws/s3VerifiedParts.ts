import { GetObjectAttributesCommand, type GetObjectAttributesCommandOutput, type S3Client } from '@aws-sdk/client-s3';
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
  const first = await ask(question, undefined);
  if (first === undefined || first.ObjectSize === undefined) return undefined;
  const count = partCount(first.ObjectSize, question.partSize);
  if (first.ObjectParts === undefined) {
    const whole = first.Checksum?.ChecksumSHA256;
    return count === 1 && whole !== undefined ? [hexOf(whole)] : undefined;
  }
  if (first.ObjectParts.TotalPartsCount !== count) return undefined;
  const hashes: string[] = [];
  let page: GetObjectAttributesCommandOutput | undefined = first;
  while (page?.ObjectParts !== undefined) {
    for (const part of page.ObjectParts.Parts ?? []) {
      const expected = Math.min(question.partSize, first.ObjectSize - hashes.length * question.partSize);
      if (part.ChecksumSHA256 === undefined || part.Size !== expected) return undefined;
      hashes.push(hexOf(part.ChecksumSHA256));
    }
    if (page.ObjectParts.IsTruncated !== true) break;
    page = await ask(question, page.ObjectParts.NextPartNumberMarker);
  }
  return hashes.length === count ? hashes : undefined;
}

async function ask(
  question: Question,
  marker: string | undefined,
): Promise<GetObjectAttributesCommandOutput | undefined> {
  try {
    return await question.client.send(
      new GetObjectAttributesCommand({
        Bucket: question.bucket,
        Key: question.key,
        VersionId: question.versionId,
        ObjectAttributes: ['Checksum', 'ObjectParts', 'ObjectSize'],
        MaxParts: 1000,
        PartNumberMarker: marker,
      }),
    );
  } catch (error) {
    if (isAbsent(error, question.versionId)) return undefined;
    throw portErrorOf(`read the checksums of ${question.key}`, error);
  }
}

function hexOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
