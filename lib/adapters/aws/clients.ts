import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';

/**
 * How long one try of a call may take. Every call has a deadline, so that a hung connection costs one try and not the
 * function's whole time; the SDK then retries with exponential backoff and jitter, three tries in all.
 */
const tries = (requestTimeout: number) => ({
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 2_000, requestTimeout, throwOnRequestTimeout: true },
});

export const createDynamoClient = (): DynamoDBClient => new DynamoDBClient(tries(5_000));

/** A server-side copy of 5 GB answers only when it is done, and a 64 MiB range takes its time. */
export const createS3Client = (): S3Client => new S3Client(tries(120_000));

/** Above SQS's longest poll of 20 s. */
export const createSqsClient = (): SQSClient => new SQSClient(tries(25_000));

export const createSecretsClient = (): SecretsManagerClient => new SecretsManagerClient(tries(5_000));

export const createStsClient = (): STSClient => new STSClient(tries(5_000));
