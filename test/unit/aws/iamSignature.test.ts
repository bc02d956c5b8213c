import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, it } from 'vitest';
import { iamHeaders } from '../../../lib/adapters/aws/iamSignature.ts';

/** What the SDK's signer asks of a hash. */
class Sha256 {
  readonly #hash: Hash | Hmac;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string);
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(data as string);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

describe('an IAM signature', () => {
  it.each([undefined, 'token'])('is the one that the SDK makes, with session token %s', async (sessionToken) => {
    const identity = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG', sessionToken };
    const at = new Date('2026-11-20T12:00:00Z');
    const url = new URL('https://abc.execute-api.eu-west-1.amazonaws.com/v1/hosts');
    const body = '{"host":"gpu-a"}';
    const signer = new SignatureV4({
      credentials: identity,
      region: 'eu-west-1',
      service: 'execute-api',
      sha256: Sha256,
      applyChecksum: false,
    });
    const signed = await signer.sign(
      {
        method: 'POST',
        protocol: 'https:',
        hostname: url.hostname,
        path: url.pathname,
        headers: { host: url.host, 'content-type': 'application/json' },
        body,
      },
      { signingDate: at },
    );
    const ours = iamHeaders({ url, method: 'POST', body, region: 'eu-west-1', service: 'execute-api', at }, identity);
    expect(ours['authorization']).toBe(signed.headers['authorization']);
  });
});
