import { RestoreObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { RestoreOutcome, RestoreRequest } from '../../shared/ports/objectStore.ts';
import { awsErrorName, awsStatus, portErrorOf } from './errors.ts';
import { isAbsent } from './s3Answers.ts';

const TIERS = { expedited: 'Expedited', standard: 'Standard', bulk: 'Bulk' } as const;
/** 403: the class is read without a restore. */
const NOT_ARCHIVED = new Set(['InvalidObjectState', 'ObjectAlreadyInActiveTierError']);

/**
 * Asks S3 for a restored copy. It answers 202 to a new request and 200 where a restored copy is there already, whose days then count
 * from now (https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html). A faster tier than that under way is a new request;
 * any other is refused with 409 (https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html#restoring-objects-upgrade-tier).
 */
export async function restoreObject(call: {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly request: RestoreRequest;
}): Promise<RestoreOutcome> {
  const { client, bucket, key, versionId, request } = call;
  try {
    const answer = await client.send(
      new RestoreObjectCommand({
        Bucket: bucket,
        Key: key,
        VersionId: versionId,
        RestoreRequest: { Days: request.days, GlacierJobParameters: { Tier: TIERS[request.tier] } },
      }),
    );
    return { outcome: answer.$metadata.httpStatusCode === 200 ? 'restored' : 'restoring' };
  } catch (error) {
    if (awsErrorName(error) === 'RestoreAlreadyInProgress') return { outcome: 'under-way' };
    if (NOT_ARCHIVED.has(awsErrorName(error))) return { outcome: 'not-archived' };
    if (isUnavailable(error, request)) return { outcome: 'tier-unavailable' };
    if (isAbsent(error, versionId)) return { outcome: 'absent' };
    throw portErrorOf(`restore ${key}`, error);
  }
}

/** No capacity for expedited restores now, or, as Deep Archive answers, a class without them. */
function isUnavailable(error: unknown, { tier }: RestoreRequest): boolean {
  if (tier !== 'expedited') return false;
  return awsErrorName(error) === 'GlacierExpeditedRetrievalNotAvailable' || awsStatus(error) === 400;
}
