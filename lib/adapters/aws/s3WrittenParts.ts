import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type ListPartsCommandOutput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { EndOutcome, ObjectStore } from '../../shared/ports/objectStore.ts';
import { checkPart, checkWrite, invalidRequest } from '../objectCalls.ts';
import { awsErrorName, mapErrors, portErrorOf } from './errors.ts';
import { refusedWrite, written } from './s3Answers.ts';
import { sha256Of } from './uploadBodies.ts';

type WrittenParts = Pick<ObjectStore, 'beginParts' | 'writtenParts' | 'writePart' | 'endParts'>;

/** Objects by parts are S3's multipart uploads; S3 verifies the SHA-256 of each part as it comes in. */
export function writtenPartsOf(client: S3Client, bucket: string, store: Pick<ObjectStore, 'classes'>): WrittenParts {
  return {
    async beginParts(key, options = {}) {
      checkWrite(store, key, 0, options);
      const { storageClass: StorageClass = 'STANDARD', metadata: Metadata = {} } = options;
      const target = { Bucket: bucket, Key: key, StorageClass, Metadata: { ...Metadata } };
      const { UploadId = '' } = await mapErrors(`begin ${key}`, () =>
        client.send(
          new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'SHA256', ChecksumType: 'COMPOSITE' }),
        ),
      );
      return UploadId;
    },
    async writtenParts(key, resume) {
      const parts = await partsOf(client, { Bucket: bucket, Key: key, UploadId: resume });
      return parts && new Map([...parts].map(([number, { size }]) => [number, size]));
    },
    async writePart(key, resume, number, bytes) {
      checkPart(number, bytes.byteLength);
      const part = { Bucket: bucket, Key: key, UploadId: resume, PartNumber: number, Body: bytes };
      const ChecksumSHA256 = await sha256Of(bytes);
      try {
        await client.send(new UploadPartCommand({ ...part, ChecksumSHA256 }));
        return 'written';
      } catch (error) {
        if (isGone(error)) return 'gone';
        throw portErrorOf(`write part ${number} of ${key}`, error);
      }
    },
    async endParts(key, resume, count) {
      const target = { Bucket: bucket, Key: key, UploadId: resume };
      const there = await partsOf(client, target);
      if (there === undefined) return { outcome: 'gone' };
      const parts = Array.from({ length: count }, (_, index) => there.get(index + 1));
      const Parts = parts.map((part) => {
        if (part === undefined) throw invalidRequest(`${key} has not all of its ${count} parts.`);
        return part.named;
      });
      const size = parts.reduce((sum, part) => sum + (part?.size ?? 0), 0);
      try {
        const command = new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts } });
        const answer = await client.send(command);
        return written(answer.VersionId, answer.ETag, size);
      } catch (error) {
        return refused(key, error);
      }
    },
  };
}

interface Part {
  readonly size: number;
  readonly named: {
    readonly PartNumber: number;
    readonly ETag: string | undefined;
    readonly ChecksumSHA256?: string | undefined;
  };
}

/** Undefined where there is no such upload any more. */
async function partsOf(
  client: S3Client,
  target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string },
): Promise<Map<number, Part> | undefined> {
  const found = new Map<number, Part>();
  let marker: string | undefined;
  do {
    let page: ListPartsCommandOutput;
    try {
      page = await client.send(new ListPartsCommand({ ...target, PartNumberMarker: marker }));
    } catch (error) {
      if (isGone(error)) return undefined;
      throw portErrorOf(`list the parts of ${target.Key}`, error);
    }
    for (const { PartNumber = 0, ETag, ChecksumSHA256, Size: size = 0 } of page.Parts ?? []) {
      found.set(PartNumber, { size, named: { PartNumber, ETag, ChecksumSHA256 } });
    }
    marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  return found;
}

/** `InvalidPart`: somebody has written a part again since its tag was listed. */
function refused(key: string, error: unknown): EndOutcome {
  if (isGone(error)) return { outcome: 'gone' };
  if (awsErrorName(error) === 'InvalidPart' || refusedWrite(error)?.outcome === 'busy') return { outcome: 'busy' };
  throw portErrorOf(`end ${key}`, error);
}

const isGone = (error: unknown): boolean => awsErrorName(error) === 'NoSuchUpload';
