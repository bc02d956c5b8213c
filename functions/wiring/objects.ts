import { createS3Client } from '../../lib/adapters/aws/clients.ts';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import type { FunctionDeps } from '../shared/deps.ts';
import type { AwsEnvironment } from './environment.ts';

export function awsObjects(environment: AwsEnvironment): Pick<FunctionDeps, 'objects'> {
  return {
    objects: createS3ObjectStore({
      client: createS3Client(),
      bucket: environment.STRATA_BUCKET,
      verifiesChecksums: true,
    }),
  };
}
