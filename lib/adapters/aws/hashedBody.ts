import { webcrypto } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';

/** SHA-256 of a body, in base64 as S3's checksums have it. Another thread computes it, while the network goes on. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('base64');
}

/** Lets the client sign bodies over the SHA-256 that comes with them: by itself it would hash each once more. */
export function signOverChecksums(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { input, request } = args;
      const sha256 = 'Body' in input && 'ChecksumSHA256' in input ? input.ChecksumSHA256 : undefined;
      if (sha256 !== undefined && isRequest(request)) {
        request.headers['x-amz-content-sha256'] = Buffer.from(sha256, 'base64').toString('hex');
      }
      return next(args);
    },
    { step: 'build', name: 'signOverChecksums', override: true },
  );
}

function isRequest(value: unknown): value is { readonly headers: Record<string, string> } {
  return typeof value === 'object' && value !== null && 'headers' in value;
}
