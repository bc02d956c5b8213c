import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import type { PortError } from '../../shared/errors.ts';
import type { StorageClass } from '../../shared/ids.ts';
import type {
  HeadOutcome,
  ObjectStore,
  ObjectVersion,
  ReadOutcome,
  WriteOptions,
  WriteOutcome,
} from '../../shared/ports/objectStore.ts';
import { checkRange, checkRestore, checkWrite } from '../objectCalls.ts';
import { decodeCursor, encodeCursor } from '../cursors.ts';
import { awsStatus, invalidRequest, mapErrors, portErrorOf } from './errors.ts';
import {
  isAbsent,
  isArchived,
  refusedWrite,
  restoreOf,
  storageClassOf,
  timeOf,
  unquoted,
  written,
} from './s3Answers.ts';
import { S3_CLASSES } from './s3Classes.ts';
import { copyObject } from './s3Copy.ts';
import { type CopyLimits, S3_COPY_LIMITS } from './s3CopyRequest.ts';
import { unfinishedCopiesOf } from './s3UnfinishedCopies.ts';
import { restoreObject } from './s3Restore.ts';
import { writtenPartsOf } from './s3WrittenParts.ts';
import { readVerifiedParts } from './s3VerifiedParts.ts';

const Marker = z.tuple([z.optional(z.string()), z.optional(z.string())]);

export interface S3ObjectStoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Smaller in tests, so that copying by parts is tested with small objects. */
  readonly copyLimits?: CopyLimits;
  /** Whether the store checks the SHA-256 of uploaded parts itself, as S3 does. Where it does not, nothing counts as verified. */
  readonly verifiesChecksums: boolean;
  /** What the store behind the protocol has; all that S3 has where nothing is said. */
  readonly classes?: readonly StorageClass[];
}

/** A versioned bucket of S3 or of a store that speaks its protocol. */
export function createS3ObjectStore(options: S3ObjectStoreOptions): ObjectStore {
  const { client, bucket } = options;
  const has = { classes: options.classes ?? S3_CLASSES };

  async function head(key: string, versionId?: string): Promise<HeadOutcome> {
    try {
      const answer = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
      return {
        outcome: 'found',
        head: {
          key,
          versionId: answer.VersionId ?? 'null',
          size: answer.ContentLength ?? 0,
          etag: unquoted(answer.ETag),
          storageClass: storageClassOf(answer.StorageClass),
          lastModified: timeOf(answer.LastModified),
          metadata: answer.Metadata ?? {},
          ...restoreOf(answer),
        },
      };
    } catch (error) {
      if (isAbsent(error, versionId)) return { outcome: 'absent' };
      throw portErrorOf(`look at ${key}`, error);
    }
  }

  async function readRange(key: string, versionId: string, offset: number, length: number): Promise<ReadOutcome> {
    checkRange(offset, length);
    try {
      const answer = await client.send(
        new GetObjectCommand({
          Bucket: bucket,
          Key: key,
          VersionId: versionId,
          Range: `bytes=${offset}-${offset + length - 1}`,
        }),
      );
      const body = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      // A server may ignore the range and answer 200 with everything (RFC 9110, 14.2).
      const bytes = answer.ContentRange === undefined ? body.subarray(offset, offset + length) : body;
      // S3 shortens a range that ends behind the object's end; the port promises exact ones.
      if (bytes.length !== length) throw outside(key, offset, length);
      return { outcome: 'read', bytes };
    } catch (error) {
      if (awsStatus(error) === 416) throw outside(key, offset, length);
      if (isArchived(error)) return { outcome: 'archived' };
      if (isAbsent(error, versionId)) return { outcome: 'absent' };
      throw portErrorOf(`read ${key}`, error);
    }
  }

  const write: ObjectStore['write'] = async (key, bytes, writeOptions = {}): Promise<WriteOutcome> => {
    checkWrite(has, key, bytes.length, writeOptions);
    try {
      const answer = await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: bytes,
          ChecksumAlgorithm: 'SHA256',
          StorageClass: writeOptions.storageClass,
          Metadata: writeOptions.metadata,
          ...(writeOptions.onlyIf === 'absent' ? { IfNoneMatch: '*' } : {}),
          ...lockOf(writeOptions),
        }),
      );
      return written(answer.VersionId, answer.ETag, bytes.length);
    } catch (error) {
      const refused = refusedWrite(error);
      if (refused !== undefined) return refused;
      throw portErrorOf(`write ${key}`, error);
    }
  };

  return {
    ...has,
    head,
    readRange,
    write,
    async verifiedParts(key, versionId, partSize) {
      if (!options.verifiesChecksums) return undefined;
      const sha256 = await readVerifiedParts({ client, bucket, key, versionId, partSize });
      return sha256 === undefined ? undefined : { sha256 };
    },
    async copy(source, key, writeOptions = {}) {
      checkWrite(has, key, 0, writeOptions);
      const limits = options.copyLimits ?? S3_COPY_LIMITS;
      return copyObject({ client, bucket, limits, source, key, options: writeOptions });
    },
    async restore(key, versionId, request) {
      checkRestore(request);
      return restoreObject({ client, bucket, key, versionId, request });
    },
    ...unfinishedCopiesOf(client, bucket),
    ...writtenPartsOf(client, bucket, has),
    async remove(key, versionId) {
      try {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
      } catch (error) {
        if (!isAbsent(error, versionId)) throw portErrorOf(`remove ${key}`, error);
      }
    },
    async listVersions(query) {
      const [keyMarker, versionMarker] = query.cursor === undefined ? [] : decodeCursor(Marker, query.cursor);
      const answer = await mapErrors(`list ${query.prefix}`, () =>
        client.send(
          new ListObjectVersionsCommand({
            Bucket: bucket,
            Prefix: query.prefix,
            MaxKeys: query.limit,
            // Keys may hold characters that XML cannot carry.
            EncodingType: 'url',
            KeyMarker: keyMarker,
            VersionIdMarker: versionMarker,
          }),
        ),
      );
      const versions = versionsOf(answer);
      if (answer.IsTruncated !== true) return { versions };
      const next = decodedKey(answer, answer.NextKeyMarker);
      return { versions, cursor: encodeCursor([next, answer.NextVersionIdMarker]) };
    },
  };
}

/** Compliance mode: not even the account's root user can shorten it. */
function lockOf({
  retainUntil,
}: WriteOptions): Pick<PutObjectCommandInput, 'ObjectLockMode' | 'ObjectLockRetainUntilDate'> {
  return retainUntil === undefined
    ? {}
    : { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: new Date(retainUntil) };
}

function outside(key: string, offset: number, length: number): PortError {
  return invalidRequest(`${key} has no ${length} bytes from ${offset}.`);
}

function decodedKey(answer: ListObjectVersionsCommandOutput, key: string | undefined): string {
  const text = key ?? '';
  return answer.EncodingType === 'url' ? decodeURIComponent(text.replaceAll('+', ' ')) : text;
}

/** S3 answers versions and delete markers apart, each by key and newest first; the port promises one list. */
function versionsOf(answer: ListObjectVersionsCommandOutput): readonly ObjectVersion[] {
  const common = (entry: { Key?: string; VersionId?: string; IsLatest?: boolean; LastModified?: Date }) => ({
    key: decodedKey(answer, entry.Key),
    versionId: entry.VersionId ?? 'null',
    isLatest: entry.IsLatest ?? false,
    lastModified: timeOf(entry.LastModified),
  });
  const versions: ObjectVersion[] = (answer.Versions ?? []).map((entry) => ({
    ...common(entry),
    isDeleteMarker: false,
    size: entry.Size ?? 0,
    storageClass: storageClassOf(entry.StorageClass),
  }));
  const markers: ObjectVersion[] = (answer.DeleteMarkers ?? []).map((entry) => ({
    ...common(entry),
    isDeleteMarker: true,
    size: 0,
    storageClass: 'STANDARD',
  }));
  if (markers.length === 0) return versions;
  return [...versions, ...markers].toSorted(
    (a, b) =>
      Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) ||
      Number(b.isLatest) - Number(a.isLatest) ||
      b.lastModified - a.lastModified,
  );
}
