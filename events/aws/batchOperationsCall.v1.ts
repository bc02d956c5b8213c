import * as z from 'zod/mini';
import { StorageClass } from '../../lib/shared/ids.ts';
import { TierPolicyName } from '../../lib/shared/sweepMode.ts';

/** Digits only: user arguments of a job are texts. */
const count = z.string().check(z.regex(/^\d{1,15}$/));

/**
 * S3 Batch Operations' call of a function for a line of a job's manifest, invocation schema 2.0; the user arguments are those that
 * `strata plan --manifest` writes into the job. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
 */
export const BatchOperationsCall = z.object({
  invocationSchemaVersion: z.literal('2.0'),
  invocationId: z.string(),
  job: z.object({
    id: z.string(),
    userArguments: z.strictObject({
      runId: z.string().check(z.regex(/^[a-z0-9-]{1,64}$/)),
      policy: TierPolicyName,
      to: StorageClass,
      action: z._default(z.enum(['transition', 'pack', 'unpack']), 'transition'),
      /** Epoch milliseconds: the moment that the plan was decided for. */
      at: count,
      budgetUsd: z.string().check(z.regex(/^\d{1,12}(\.\d{1,6})?$/)),
      mostMoves: count,
    }),
  }),
  tasks: z.array(
    z.object({
      taskId: z.string(),
      /** URL-encoded, as in the manifest. */
      s3Key: z.string(),
      s3VersionId: z.nullable(z.string()),
      s3Bucket: z.string(),
    }),
  ),
});
export type BatchOperationsCall = z.infer<typeof BatchOperationsCall>;
