import { webcrypto } from 'node:crypto';
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';

/** What a socket is given at once: TLS encrypts it within the processor's cache, and needs no copy of a whole part. */
const SLICE_BYTES = 256 * 1024;

/** SHA-256 of a body, in base64 as S3's checksums have it. Another thread computes it, while the network goes on. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('base64');
}

/**
 * Lets the client send large bodies cheaply. The SHA-256 that comes with them is signed as a header, and the store verifies it:
 * over TLS the body needs no other signature, in plain text it is signed over that same SHA-256. By itself the client would hash
 * each once more, and so does MinIO where a body is signed. And they go out in slices; below the client's retries, each of
 * which begins at the first slice.
 */
export function speedUpBodies(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { input, request } = args;
      const sha256 = 'Body' in input && 'ChecksumSHA256' in input ? input.ChecksumSHA256 : undefined;
      if (sha256 !== undefined && isRequest(request)) {
        request.headers['x-amz-content-sha256'] =
          request.protocol === 'https:' ? 'UNSIGNED-PAYLOAD' : Buffer.from(sha256, 'base64').toString('hex');
      }
      return next(args);
    },
    { step: 'build', name: 'signOverChecksum', override: true },
  );
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (!isRequest(request) || !(request.body instanceof Uint8Array) || request.body.length <= SLICE_BYTES) {
        return next(args);
      }
      return next({ ...args, request: { ...request, body: Readable.from(slicesOf(request.body)) } });
    },
    { step: 'deserialize', priority: 'low', name: 'sendInSlices', override: true },
  );
}

function* slicesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += SLICE_BYTES) yield body.subarray(at, at + SLICE_BYTES);
}

interface Request {
  readonly protocol?: unknown;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

function isRequest(value: unknown): value is Request {
  return typeof value === 'object' && value !== null && 'headers' in value;
}
