import { open } from 'node:fs/promises';
import {
  createDynamoClient,
  createS3Client,
  createSecretsClient,
  createSqsClient,
} from '../../lib/adapters/aws/clients.ts';
import { deadLetterQueues } from '../../functions/deadLetters.ts';
import { workQueues } from '../../functions/workQueues.ts';
import { createDynamoCatalogStore } from '../../lib/adapters/aws/dynamoCatalogStore.ts';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import { type S3Source, uploadToS3 } from '../../lib/adapters/aws/s3Upload.ts';
import { createLambdaCaller } from '../../lib/adapters/aws/lambdaCaller.ts';
import { createSecretCommandKeys } from '../../lib/adapters/aws/secretCommandKeys.ts';
import { createSqsCount, createSqsStanding } from '../../lib/adapters/aws/sqsCounts.ts';
import {
  createSqsReceiver,
  createSqsSender,
  queueNamePrefix,
  type SqsQueuesOptions,
} from '../../lib/adapters/aws/sqsQueues.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import { createDeadLetters, createOperations, type DeadLetters } from '../../lib/operations/index.ts';
import type { CommandKeys } from '../../lib/shared/ports/commandKeys.ts';
import { CliError } from '../errors.ts';
import { awsProblems, parseAwsEnvironment } from './awsEnvironment.ts';
import type { FileToUpload, Plane } from './plane.ts';

/** The plane of an AWS account, by the caller's own credentials: IAM decides what the operator may do. */
export async function connectAws(environment: Readonly<Record<string, string | undefined>>): Promise<Plane> {
  const parsed = parseAwsEnvironment(environment);
  if (!parsed.success) {
    const found = [...awsProblems(environment)].map(([name, problem]) => name + problem).join(', ');
    throw noPlane(`For a plane on AWS, ${found}. docs/deploy.md shows all that the command line needs.`, parsed.error);
  }
  const { STRATA_TABLE: table, STRATA_BUCKET: bucket, STRATA_QUEUE_URL_PREFIX: urlPrefix } = parsed.data;
  const client = createS3Client();
  // Of the profile too, where the environment names no region.
  const priceRegion = await client.config.region().catch((cause: unknown) => {
    throw noPlane('No AWS region is given: set AWS_REGION, or a region in the AWS profile.', cause);
  });
  const audit = parsed.data.STRATA_AUDIT_BUCKET;
  const seals =
    audit === undefined ? undefined : createS3ObjectStore({ client, bucket: audit, verifiesChecksums: true });
  const queues = { client: createSqsClient(), urlPrefix };
  const operations = createOperations({
    clock: systemClock,
    random: nodeRandom,
    catalog: createDynamoCatalogStore({ client: createDynamoClient(), table }),
    objects: createS3ObjectStore({ client, bucket, verifiesChecksums: true }),
    seals,
    commandKeys: awsCommandKeys(parsed.data.STRATA_COMMAND_SECRET_ARN),
    settings: {
      commandTtlMs: Number(parsed.data.STRATA_COMMAND_TTL_MS),
      priceRegion,
    },
    deadLetters: awsDeadLetters(queues),
    workQueues: () => workQueues(createSqsStanding(queues)),
  });
  return {
    operations,
    uploads: {
      put: (key, file, metadata, onBytes) =>
        withFile(file, (source) => uploadToS3({ client, bucket }, key, source, metadata, onBytes)),
      putText: (key, content, metadata) => {
        const bytes = new TextEncoder().encode(content);
        const source = { size: bytes.byteLength, read: async () => bytes };
        return uploadToS3({ client, bucket }, key, source, metadata, () => undefined);
      },
    },
  };
}

function awsCommandKeys(secretArn: string | undefined): CommandKeys {
  if (secretArn !== undefined) {
    return createSecretCommandKeys({ client: createSecretsClient(), secretArn, clock: systemClock });
  }
  const refuse = async (): Promise<never> => {
    throw noPlane(
      'Commands to hosts are signed with a secret, and STRATA_COMMAND_SECRET_ARN (output CommandSecretArn of the deployment), which names it, is missing.',
    );
  };
  return { current: refuse, published: refuse };
}

function noPlane(message: string, cause?: unknown): CliError {
  return new CliError({ code: 'no-plane', message, retryable: false, cause });
}

function awsDeadLetters(options: SqsQueuesOptions): DeadLetters {
  return createDeadLetters({
    clock: systemClock,
    declared: deadLetterQueues(),
    receiver: createSqsReceiver(options),
    sender: createSqsSender(options),
    waitSeconds: 1,
    count: createSqsCount(options),
    call: createLambdaCaller(queueNamePrefix(options.urlPrefix)),
  });
}

async function withFile<T>({ path, size }: FileToUpload, work: (source: S3Source) => Promise<T>): Promise<T> {
  const handle = await open(path);
  try {
    return await work({
      size,
      async read(offset, length) {
        const bytes = new Uint8Array(length);
        let filled = 0;
        while (filled < length) {
          const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
          if (bytesRead === 0) throw changed(path);
          filled += bytesRead;
        }
        return bytes;
      },
    });
  } finally {
    await handle.close();
  }
}

function changed(path: string): CliError {
  return new CliError({
    code: 'file-changed',
    message: `${path} became shorter while it was pushed. Push it again.`,
    retryable: false,
  });
}
