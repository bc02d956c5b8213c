import type { Json } from '../shared/canonicalJson.ts';
import { blobKey } from '../shared/digest.ts';
import type { Digest, StorageClass } from '../shared/ids.ts';
import type { TierPolicyName } from '../shared/sweepMode.ts';
import type { EpochMs } from '../shared/units.ts';
import type { ShownMove } from './moveRun.ts';
import type { RunLimits } from './sweepBudget.ts';

/**
 * One line of a manifest in the format `S3BatchOperations_CSV_20180820` with the fields Bucket, Key, VersionId, without a heading. Keys are
 * URL-encoded, so that no comma or quote is left in them.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/specify-batchjob-manifest.html
 */
export function manifestLine(bucket: string, key: string, versionId: string): string {
  return `${bucket},${key.split('/').map(encodeURIComponent).join('/')},${versionId}\n`;
}

export const originLine = (bucket: string, digest: Digest, versionId: string): string =>
  manifestLine(bucket, blobKey(digest), versionId);

export interface MoveJob {
  readonly runId: string;
  readonly policy: TierPolicyName;
  readonly at: EpochMs;
  readonly action: ShownMove['action'];
  readonly to: StorageClass;
  readonly limits: RunLimits;
  readonly lines: number;
  /** Where the manifest will lie; an object that was put in one request has the MD5 of its bytes as ETag, lower-case hex. */
  readonly manifestKey: string;
  readonly manifestMd5: string;
}

/** What a job runs as and where its files lie; outputs of the stacks. */
export interface JobPlace {
  readonly accountId: string;
  readonly inventoryBucket: string;
  readonly roleArn: string;
  readonly functionArn: string;
}

/** Of a job and its files; S3 asks for letters, digits and hyphens in its token. */
export function moveName({ action, to }: ShownMove): string {
  return action === 'transition' ? to : `${to}-${action}`;
}

/**
 * The input of `aws s3control create-job` for the moves to one class. The job waits for a confirmation, and it fails by itself when
 * more than half of its first thousand lines are refused, as those of an outdated plan are.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateJob.html
 */
export function moveJob(job: MoveJob, place: JobPlace): Json {
  const bucketArn = `arn:${place.roleArn.split(':')[1]}:s3:::${place.inventoryBucket}`;
  const { action, at, limits, policy, runId, to } = job;
  const name = moveName(job);
  return {
    AccountId: place.accountId,
    ClientRequestToken: `${runId}-${name}`,
    ConfirmationRequired: true,
    Description: `${job.lines} moves to ${name} by policy ${policy}, planned ${new Date(at).toISOString()}`,
    Operation: {
      LambdaInvoke: {
        FunctionArn: place.functionArn,
        InvocationSchemaVersion: '2.0',
        UserArguments: {
          runId,
          policy,
          to,
          ...(action === 'transition' ? {} : { action }),
          at: String(at),
          budgetUsd: limits.budgetUsd.toFixed(6),
          mostMoves: String(limits.mostMoves),
        },
      },
    },
    Manifest: {
      Spec: { Format: 'S3BatchOperations_CSV_20180820', Fields: ['Bucket', 'Key', 'VersionId'] },
      Location: { ObjectArn: `${bucketArn}/${job.manifestKey}`, ETag: job.manifestMd5 },
    },
    Report: {
      Bucket: bucketArn,
      Prefix: 'reports',
      Format: 'Report_CSV_20180820',
      Enabled: true,
      ReportScope: 'AllTasks',
    },
    Priority: 10,
    RoleArn: place.roleArn,
  };
}
