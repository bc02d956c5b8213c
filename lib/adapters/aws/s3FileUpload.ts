import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { writeAnew } from '../files/stagingFile.ts';
import type { S3Address } from './s3Download.ts';
import { clientConfigOf, type S3Place } from './s3Place.ts';
import { type S3Uploaded, type UploadSession, uploadToS3 } from './s3Upload.ts';

const Session = z.strictObject({ schema: z.literal('strata-upload/1'), target: z.string(), uploadId: z.string() });

export interface FileUpload {
  readonly path: string;
  readonly to: Pick<S3Address, 'bucket' | 'key'>;
  readonly place: S3Place;
  /** Replaces an object that is there. */
  readonly replace: boolean;
  /** `PART_SIZE` but in tests. */
  readonly partSize?: number;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Uploads one file. What a killed upload has brought is found by `PATH.upload` and kept where S3's own SHA-256 of a part is
 * that of the file's. @throws PortError, KeyTakenError
 */
export async function uploadFile(upload: FileUpload): Promise<S3Uploaded & { readonly size: number }> {
  const { path, to, place } = upload;
  const client = new S3Client(await clientConfigOf(place));
  const file = await open(path, 'r');
  try {
    const { size, mtimeMs } = await file.stat();
    const identity = `${place.endpoint ?? ''} s3://${to.bucket}/${to.key} ${size} ${mtimeMs}`;
    const sessionPath = `${path}.upload`;
    const session = await openSession(sessionPath, createHash('sha256').update(identity).digest('hex'));
    const source = {
      size,
      async read(offset: number, length: number, into = new Uint8Array(length)) {
        const bytes = into.subarray(0, length);
        for (let filled = 0; filled < length; ) {
          const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
          if (bytesRead === 0) throw new RangeError(`${path} became shorter while it was uploaded.`);
          filled += bytesRead;
        }
        return bytes;
      },
    };
    const { partSize } = upload;
    const options = { client, bucket: to.bucket, onlyIfAbsent: !upload.replace, session };
    const sized = partSize === undefined ? options : { ...options, partSize };
    const uploaded = await uploadToS3(sized, to.key, source, {}, upload.onBytes);
    await rm(sessionPath, { force: true });
    return { ...uploaded, size };
  } finally {
    await file.close();
  }
}

async function openSession(path: string, target: string): Promise<UploadSession> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const found = Session.safeParse(jsonOf(text));
  return {
    uploadId: found.success && found.data.target === target ? found.data.uploadId : undefined,
    async begun(uploadId) {
      const fresh = `${path}.new`;
      await writeAnew(fresh, JSON.stringify({ schema: 'strata-upload/1', target, uploadId }), 0o600);
      await rename(fresh, path);
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
