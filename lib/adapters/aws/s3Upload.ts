import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { PART_SIZE } from '../../shared/digest.ts';
import { awsStatus, portErrorOf } from './errors.ts';
import { type HashThread, startHashThread } from './hashThread.ts';
import { refusedWrite } from './s3Answers.ts';
import { sha256Of, speedUpBodies } from './uploadBodies.ts';

export interface S3UploadOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** The part size of digests, so that S3's own part checksums become the blob's; at least 5 MiB. */
  readonly partSize?: number;
  /** Only where no object is under the key; asked of S3 at the moment at which the object would appear. */
  readonly onlyIfAbsent?: boolean;
  /** Remembers a multipart upload, so that a later call goes on with it. Without one a failed upload is aborted. */
  readonly session?: UploadSession;
}

export interface UploadSession {
  readonly uploadId: string | undefined;
  begun(uploadId: string): Promise<void>;
}

export interface S3Source {
  readonly size: number;
  /** May put the bytes into the beginning of `into`, which is as long as the length or longer, and answer that. */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
}

export interface S3Uploaded {
  readonly versionId: string;
  /** Of parts that an earlier call had brought; they were read here, but not sent. */
  readonly bytesKept: number;
}

/** The key was taken, and the upload was to be its first. */
export class KeyTakenError extends Error {
  override readonly name = 'KeyTakenError';
}

const PARALLEL_PARTS = 4;

/**
 * Uploads a file so that S3 verifies the SHA-256 of each part as it comes in: the digest step then reads no byte of it.
 * What a killed process leaves, the bucket's lifecycle rule removes. `onBytes` is told of each part.
 * @throws PortError, KeyTakenError
 */
export async function uploadToS3(
  options: S3UploadOptions,
  key: string,
  source: S3Source,
  metadata: Readonly<Record<string, string>>,
  onBytes: (bytes: number) => void,
): Promise<S3Uploaded> {
  speedUpBodies(options.client);
  try {
    const whole = source.size <= (options.partSize ?? PART_SIZE);
    return await (whole ? putWhole : putParts)({ options, key, source, metadata, onBytes });
  } catch (error) {
    if (options.onlyIfAbsent === true && refusedWrite(error)?.outcome === 'exists') {
      throw new KeyTakenError(`There is an object at ${key} already.`, { cause: error });
    }
    throw portErrorOf(`upload ${key}`, error);
  }
}

const conditionOf = ({ onlyIfAbsent }: S3UploadOptions) => (onlyIfAbsent === true ? { IfNoneMatch: '*' } : {});

interface Put {
  readonly options: S3UploadOptions;
  readonly key: string;
  readonly source: S3Source;
  readonly metadata: Readonly<Record<string, string>>;
  readonly onBytes: (bytes: number) => void;
}

async function putWhole({ options, key, source, metadata, onBytes }: Put): Promise<S3Uploaded> {
  const bytes = await source.read(0, source.size);
  const ChecksumSHA256 = await sha256Of(bytes);
  const command = new PutObjectCommand({
    Bucket: options.bucket,
    Key: key,
    Body: bytes,
    Metadata: { ...metadata },
    ChecksumSHA256,
    ...conditionOf(options),
  });
  const answer = await options.client.send(command);
  onBytes(bytes.byteLength);
  return { versionId: answer.VersionId ?? 'null', bytesKept: 0 };
}

async function putParts({ options, key, source, metadata, onBytes }: Put): Promise<S3Uploaded> {
  const { client, bucket, partSize = PART_SIZE, session } = options;
  const target = { Bucket: bucket, Key: key };
  const known =
    session?.uploadId === undefined ? undefined : await partsOf(client, { ...target, UploadId: session.uploadId });
  const UploadId = known === undefined ? await begin(options, target, metadata) : session?.uploadId;
  const there = known ?? new Map<number, KnownPart>();
  try {
    const upload = { client, target: { ...target, UploadId }, source, partSize, onBytes, there };
    const { parts, bytesKept } = await uploadParts(upload);
    const answer = await client.send(
      new CompleteMultipartUploadCommand({
        ...target,
        UploadId,
        MultipartUpload: { Parts: parts },
        ...conditionOf(options),
      }),
    );
    return { versionId: answer.VersionId ?? 'null', bytesKept };
  } catch (error) {
    // Kept for the next call, unless the key is taken for good.
    const over = session === undefined || refusedWrite(error)?.outcome === 'exists';
    if (over) await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
    throw error;
  }
}

async function begin(
  { client, session }: S3UploadOptions,
  target: { readonly Bucket: string; readonly Key: string },
  metadata: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({
      ...target,
      Metadata: { ...metadata },
      ChecksumAlgorithm: 'SHA256',
      ChecksumType: 'COMPOSITE',
    }),
  );
  if (UploadId !== undefined) await session?.begun(UploadId);
  return UploadId;
}

/** A part that S3 has, by what S3 itself says about it. */
interface KnownPart {
  readonly ETag: string | undefined;
  readonly ChecksumSHA256: string | undefined;
}

/** Undefined: there is no such upload any more. */
async function partsOf(
  client: S3Client,
  target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string },
): Promise<Map<number, KnownPart> | undefined> {
  const found = new Map<number, KnownPart>();
  let marker: string | undefined;
  do {
    try {
      const page = await client.send(new ListPartsCommand({ ...target, PartNumberMarker: marker }));
      for (const { PartNumber = 0, ETag, ChecksumSHA256 } of page.Parts ?? []) {
        found.set(PartNumber, { ETag, ChecksumSHA256 });
      }
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    } catch (error) {
      if (awsStatus(error) === 404) return undefined;
      throw error;
    }
  } while (marker !== undefined);
  return found;
}

interface PartsUpload {
  readonly client: S3Client;
  readonly target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined };
  readonly source: S3Source;
  readonly partSize: number;
  readonly onBytes: (bytes: number) => void;
  readonly there: ReadonlyMap<number, KnownPart>;
}

async function uploadParts(upload: PartsUpload) {
  const hashes = startHashThread();
  try {
    return await uploadHashed(upload, hashes);
  } finally {
    await hashes.close();
  }
}

async function uploadHashed({ client, target, source, partSize, onBytes, there }: PartsUpload, hashes: HashThread) {
  const count = Math.ceil(source.size / partSize);
  const parts: { PartNumber: number; ETag: string | undefined; ChecksumSHA256: string }[] = [];
  let next = 0;
  let bytesKept = 0;
  const worker = async () => {
    // Kept from part to part: fresh memory costs the kernel more than what is copied into it.
    const buffer = new Uint8Array(new SharedArrayBuffer(partSize));
    while (next < count) {
      const part = next;
      next += 1;
      const offset = part * partSize;
      const read = await source.read(offset, Math.min(partSize, source.size - offset), buffer);
      const bytes = buffer.subarray(0, read.length);
      if (read.buffer !== buffer.buffer) bytes.set(read);
      const ChecksumSHA256 = await hashes.sha256(bytes);
      const PartNumber = part + 1;
      const known = there.get(PartNumber);
      const kept = known?.ChecksumSHA256 === ChecksumSHA256;
      const command = new UploadPartCommand({ ...target, PartNumber, Body: bytes, ChecksumSHA256 });
      const { ETag } = kept ? known : await client.send(command);
      if (kept) bytesKept += bytes.byteLength;
      parts.push({ PartNumber, ETag, ChecksumSHA256 });
      onBytes(bytes.byteLength);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_PARTS, count) }, worker));
  return { parts: parts.sort((a, b) => a.PartNumber - b.PartNumber), bytesKept };
}
