import type { IngestCall, ReconcileDeps } from './deps.ts';
import { IngestError } from './errors.ts';
import { findUntold } from './findUntold.ts';
import { repairBlobs } from './repairBlobs.ts';
import { retellUploads } from './retellUploads.ts';

/**
 * Compares what the catalog says with what the bucket holds and has the difference worked on: uploads that stand still,
 * objects that no event told of, blobs whose origin is gone. Each of the three is bounded in one run and goes on where the
 * last run stopped, so that everything is looked at again and again, whatever the number of objects. Throws `IngestError`
 * `not-repaired` (retryable) at the end when blobs were passed over.
 */
export async function reconcileUploads(deps: ReconcileDeps, call: IngestCall): Promise<void> {
  const retold = await retellUploads(deps, call);
  const found = await findUntold(deps, call);
  const { repaired, failures } = await repairBlobs(deps, call);
  call.telemetry.info('uploads-reconciled', { retold, found, repaired });
  call.telemetry.metric('UploadsRetold', 'Count', retold);
  call.telemetry.metric('UploadsFound', 'Count', found);
  call.telemetry.metric('BlobsRepaired', 'Count', repaired);
  if (failures.length === 0) return;
  throw new IngestError({
    code: 'not-repaired',
    message: `${failures.length} blobs could not be looked at; see \`blob-not-repaired\` in the log. A later scan tries again.`,
    retryable: true,
    cause: new AggregateError(failures),
  });
}
