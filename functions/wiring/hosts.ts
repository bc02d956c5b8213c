import { createSecretsClient, createStsClient } from '../../lib/adapters/aws/clients.ts';
import { createSecretCommandKeys } from '../../lib/adapters/aws/secretCommandKeys.ts';
import { createStsHostCredentials } from '../../lib/adapters/aws/stsHostCredentials.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import type { FunctionDeps } from '../shared/deps.ts';
import type { AwsEnvironment } from './environment.ts';

export function awsCommandKeys(environment: AwsEnvironment): Pick<FunctionDeps, 'commandKeys'> {
  const secretArn = environment.STRATA_COMMAND_SECRET_ARN;
  return { commandKeys: createSecretCommandKeys({ client: createSecretsClient(), secretArn, clock: systemClock }) };
}

export function awsHostCredentials(environment: AwsEnvironment): Pick<FunctionDeps, 'hostCredentials'> {
  return {
    hostCredentials: createStsHostCredentials({ client: createStsClient(), roleArn: environment.STRATA_HOST_ROLE_ARN }),
  };
}
