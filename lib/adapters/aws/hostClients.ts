import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { HostCredentials } from '../../../events/host-api/v1.ts';
import { createS3Requests, type S3Requests } from './s3Requests.ts';

export interface HostClients {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly s3Requests: S3Requests;
  /** The clients use these from their next call on. */
  use(credentials: HostCredentials): void;
}

/** Clients with the short-lived rights that the plane issues to one host. */
export function createHostClients(region: string): HostClients {
  let current: HostCredentials | undefined;
  const credentials = async () => {
    if (current === undefined) throw new Error('The plane has not issued credentials to this host yet.');
    const { accessKeyId, secretAccessKey, sessionToken } = current;
    // Asked for again at each call, so that renewed rights are used at once.
    return { accessKeyId, secretAccessKey, sessionToken, expiration: new Date(0) };
  };
  const requestHandler = (requestTimeout: number) => ({
    connectionTimeout: 2_000,
    requestTimeout,
    throwOnRequestTimeout: true,
  });
  return {
    s3: new S3Client({ region, credentials, maxAttempts: 3, requestHandler: requestHandler(60_000) }),
    s3Requests: createS3Requests({ region, credentials }),
    // Above SQS's longest poll of 20 s.
    sqs: new SQSClient({ region, credentials, maxAttempts: 3, requestHandler: requestHandler(25_000) }),
    use(next) {
      current = next;
    },
  };
}
