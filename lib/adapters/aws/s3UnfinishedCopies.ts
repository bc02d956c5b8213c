import { AbortMultipartUploadCommand, ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import type { ObjectStore } from '../../shared/ports/objectStore.ts';
import { decodeCursor, encodeCursor } from '../cursors.ts';
import { awsErrorName, mapErrors, portErrorOf } from './errors.ts';
import { timeOf } from './s3Answers.ts';

const Marker = z.tuple([z.string(), z.string()]);

/**
 * Copies by parts that S3 knows as multipart uploads which were never completed. MinIO answers those of exactly one key only,
 * and expires what stands still for a day by itself.
 */
export function unfinishedCopiesOf(
  client: S3Client,
  bucket: string,
): Pick<ObjectStore, 'listUnfinishedCopies' | 'abandonCopy'> {
  return {
    async listUnfinishedCopies({ prefix, limit, cursor }) {
      const marker = cursor === undefined ? undefined : decodeCursor(Marker, cursor);
      const answer = await mapErrors(`list uploads of ${prefix}`, () =>
        client.send(
          new ListMultipartUploadsCommand({
            Bucket: bucket,
            Prefix: prefix,
            MaxUploads: limit,
            KeyMarker: marker?.[0],
            UploadIdMarker: marker?.[1],
          }),
        ),
      );
      const copies = (answer.Uploads ?? []).map(({ Key, UploadId, Initiated }) => ({
        key: Key ?? '',
        resume: UploadId ?? '',
        startedAt: timeOf(Initiated),
      }));
      const next = [answer.NextKeyMarker ?? '', answer.NextUploadIdMarker ?? ''];
      return answer.IsTruncated === true ? { copies, cursor: encodeCursor(next) } : { copies };
    },
    async abandonCopy(key, resume) {
      try {
        await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: resume }));
      } catch (error) {
        if (awsErrorName(error) !== 'NoSuchUpload') throw portErrorOf(`abandon the copy to ${key}`, error);
      }
    },
  };
}
