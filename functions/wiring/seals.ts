import { createS3Client } from '../../lib/adapters/aws/clients.ts';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import type { FunctionDeps } from '../shared/deps.ts';
import type { AwsEnvironment } from './environment.ts';

export function awsSeals(environment: AwsEnvironment): Pick<FunctionDeps, 'seals'> {
  const bucket = environment.STRATA_AUDIT_BUCKET;
  return { seals: createS3ObjectStore({ client: createS3Client(), bucket, verifiesChecksums: true }) };
}
