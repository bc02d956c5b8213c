import type { LocalAws } from './localAws.ts';

export type Connected = Pick<LocalAws, 'environment' | 'outputs' | 'region' | 'planeUrl'>;

/** The settings by which the AWS CLI, `strata` and an agent of one's own use this AWS, as a shell takes them. */
export function connectionLines({ environment, outputs, planeUrl, region }: Connected): readonly string[] {
  const shell = (settings: Readonly<Record<string, string | undefined>>): string =>
    `  export ${Object.entries(settings)
      .map(([name, value = '']) => `${name}=${value}`)
      .join(' ')}`;
  const { AWS_ACCESS_KEY_ID, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL, AWS_REGION, AWS_SECRET_ACCESS_KEY } = environment;
  return [
    'In another terminal, for the AWS CLI (--endpoint-url, where its release does not read AWS_ENDPOINT_URL) and the SDKs:',
    shell({ AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }),
    'with these also for npx strata:',
    shell({
      STRATA_TABLE: outputs.TableName,
      STRATA_BUCKET: outputs.BucketName,
      STRATA_QUEUE_URL_PREFIX: outputs.QueueUrlPrefix,
      STRATA_COMMAND_SECRET_ARN: outputs.CommandSecretArn,
      STRATA_AUDIT_BUCKET: outputs.AuditBucketName,
    }),
    'with these also for an agent (docs/agent.md):',
    shell({ STRATA_RUNTIME: 'aws', STRATA_PLANE: planeUrl, STRATA_REGION: region }),
    `aws s3 cp FILE s3://${outputs.BucketName}/uploads/NAME/1.0.0/FILE uploads a model. Ctrl-C stops everything.`,
  ];
}
