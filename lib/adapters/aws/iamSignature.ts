import { createHash, createHmac } from 'node:crypto';
import { STSClient } from '@aws-sdk/client-sts';

export interface IamIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SignedCall {
  readonly url: URL;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly body: string;
  readonly region: string;
  readonly service: string;
  readonly at: Date;
  /** More headers, names in lower case; they are signed too. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Headers of an AWS Signature Version 4 over host, date, token and body.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function iamHeaders(call: SignedCall, identity: IamIdentity): Record<string, string> {
  const stamp = call.at.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = stamp.slice(0, 8);
  const signed: Record<string, string> = {
    'content-type': 'application/json',
    host: call.url.host,
    'x-amz-date': stamp,
    ...call.headers,
    ...(identity.sessionToken === undefined ? {} : { 'x-amz-security-token': identity.sessionToken }),
  };
  const names = Object.keys(signed).sort();
  const canonical = [
    call.method,
    call.url.pathname,
    call.url.searchParams.toString(),
    ...names.map((name) => `${name}:${signed[name]}`),
    '',
    names.join(';'),
    sha256(call.body),
  ].join('\n');
  const scope = `${day}/${call.region}/${call.service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n');
  const key = [day, call.region, call.service, 'aws4_request'].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${identity.secretAccessKey}`),
  );
  const signature = hmac(key, text).toString('hex');
  const { host: _, ...headers } = signed;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${identity.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

/** Signs as whoever this process is by the SDK's usual chain: environment, profile, instance role. */
export function createIamSigner(region: string): (url: URL, body: string) => Promise<Record<string, string>> {
  const identity = new STSClient({ region }).config.credentials;
  return async (url, body) => {
    const service = url.hostname.includes('.lambda-url.') ? 'lambda' : 'execute-api';
    return iamHeaders({ url, method: 'POST', body, region, service, at: new Date() }, await identity());
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
