import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { sha256Of, speedUpBodies } from '../../../lib/adapters/aws/uploadBodies.ts';
import { madeBytes } from '../../support/madeBytes.ts';

interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly slices: readonly Uint8Array[];
}

const BODY = madeBytes(600_000, 4);

/** What goes out over the wire for one part. */
async function sendPart(endpoint: string): Promise<Sent> {
  const sent: Sent[] = [];
  const requestHandler = {
    async handle(request: { headers: Record<string, string>; body: unknown }) {
      const slices = request.body instanceof Readable ? await request.body.toArray() : [request.body];
      sent.push({ headers: request.headers, slices });
      return { response: { statusCode: 200, headers: { etag: '"part"' }, body: Readable.from([]) } };
    },
  };
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true, requestHandler });
  speedUpBodies(client);
  const part = { Bucket: 'bucket', Key: 'key', UploadId: 'upload', PartNumber: 1, Body: BODY };
  await client.send(new UploadPartCommand({ ...part, ChecksumSHA256: await sha256Of(BODY) }));
  const [only] = sent;
  if (only === undefined || sent.length !== 1) throw new Error(`${sent.length} requests were sent.`);
  return only;
}

describe('A part that is sent with its SHA-256', () => {
  it('is signed over that SHA-256 in plain text', async () => {
    const { headers } = await sendPart('http://store.example');
    expect(headers['x-amz-content-sha256']).toBe(createHash('sha256').update(BODY).digest('hex'));
  });

  it('is not signed over its body where TLS keeps it, but over the SHA-256 that the store verifies', async () => {
    const { headers } = await sendPart('https://store.example');
    expect(headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD');
    expect(headers['x-amz-checksum-sha256']).toBe(createHash('sha256').update(BODY).digest('base64'));
    const [, signed = ''] = /SignedHeaders=([^,]+)/.exec(headers['authorization'] ?? '') ?? [];
    expect(signed.split(';')).toContain('x-amz-checksum-sha256');
  });

  it('goes out whole, in slices that fit the processor’s cache', async () => {
    const { headers, slices } = await sendPart('https://store.example');
    expect(Buffer.concat(slices).equals(BODY)).toBe(true);
    expect(slices.map((slice) => slice.length)).toEqual([262_144, 262_144, 75_712]);
    expect(headers['content-length']).toBe(String(BODY.length));
  });
});
