import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { cdkDeploy, readTemplates, type StackOutputs } from './cdk.ts';
import { boundBatches } from './boundBatches.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { holdSchedules } from './holdSchedules.ts';
import { type RunningService, startMiniStack } from './services/start.ts';
import { assertProperties, type Clients, type PropertyFinding } from './templateProperties.ts';

/** The deployed stacks on an emulator on this machine. Life: emulator → `cdk deploy` → what it dropped → use → stop. */
export interface LocalAws {
  readonly clients: Clients;
  readonly outputs: StackOutputs;
  readonly findings: readonly PropertyFinding[];
  readonly region: string;
  /** What stands before a function's name. */
  readonly functionPrefix: string;
  /** Where agents find the host API. */
  readonly planeUrl: string;
  /** What makes the SDK and the AWS CLI talk to this AWS. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  stop(): Promise<void>;
}

export interface LocalAwsOptions {
  /** Told what is being done. */
  readonly tell: (line: string) => void;
  /** Settings as in `cdk deploy --context`. */
  readonly context: Readonly<Record<string, string>>;
  /** Ends a deployment that is under way. */
  readonly signal?: AbortSignal;
}

const PREFIX = 'strata';

export async function startLocalAws({ context, signal, tell }: LocalAwsOptions): Promise<LocalAws> {
  const folder = mkdtempSync(join(tmpdir(), 'strata-local-aws-'));
  const parts: { service?: RunningService; gateway?: Gateway } = {};
  const stop = async (): Promise<void> => {
    await parts.gateway?.stop();
    await parts.service?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const service = await startMiniStack();
    parts.service = service;
    tell(`AWS emulator on ${service.endpoint}`);
    const environment = environmentOf(service);
    const target = {
      env: environment,
      account: service.credentials.accessKeyId,
      region: service.region,
      folder,
      context,
      signal,
    };
    const outputs = await cdkDeploy(target);
    tell('cdk deploy: 4 stacks');
    await boundBatches(service.endpoint);
    await holdSchedules(service);
    const { credentials, endpoint, region } = service;
    const config = { credentials, endpoint, region };
    const clients = {
      s3: new S3Client({ ...config, forcePathStyle: true }),
      sqs: new SQSClient(config),
      dynamo: new DynamoDBClient(config),
    };
    const names = {
      bucket: outputs.BucketName,
      auditBucket: outputs.AuditBucketName,
      table: outputs.TableName,
      queueUrlPrefix: outputs.QueueUrlPrefix,
      prefix: PREFIX,
    };
    const findings = await assertProperties(readTemplates(folder), clients, names);
    const gateway = await startGateway(outputs.HostApiUrl, service.endpoint);
    parts.gateway = gateway;
    return {
      clients,
      outputs,
      findings,
      region,
      functionPrefix: `${PREFIX}-`,
      planeUrl: gateway.url,
      environment,
      logFile: service.logFile,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function environmentOf({ credentials, endpoint, region }: RunningService): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    CDK_DEFAULT_ACCOUNT: credentials.accessKeyId,
    CDK_DEFAULT_REGION: region,
    // No profile, no instance role, no configuration file of the user's may take part.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
