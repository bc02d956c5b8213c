import type { IngestCall, ReconcileDeps } from './deps.ts';
import { IngestError } from './errors.ts';
import { findUntold } from './findUntold.ts';
import { indexUploads } from './indexUploads.ts';
import { repairBlobs } from './repairBlobs.ts';
import { retellUploads } from './retellUploads.ts';

/**
 * Compares what the catalog says with what the bucket holds and has the difference worked on: uploads that stand still,
 * objects that no event told of, blobs whose origin is gone, rows that an older release left out of an index. Each part is
 * bounded in one run and goes on where the last run stopped, so that everything is looked at again and again, whatever the
 * number of objects; one that fails holds up none of the others. Throws `IngestError` `not-reconciled` (retryable) at the end when anything was passed over.
 */
export async function reconcileUploads(deps: ReconcileDeps, call: IngestCall): Promise<void> {
  const failures: unknown[] = [];
  const part = async <T extends { readonly failures: readonly unknown[] }>(name: string, run: () => Promise<T>) => {
    try {
      const result = await run();
      failures.push(...result.failures);
      return result;
    } catch (error) {
      failures.push(error);
      call.telemetry.error('not-reconciled', error, { part: name });
      return undefined;
    }
  };
  const retold = (await part('retell', () => retellUploads(deps, call)))?.retold ?? 0;
  const found = (await part('find', () => findUntold(deps, call)))?.found ?? 0;
  // Before the index, which nothing waits for: both go on until the time is up, and this one rests in between.
  const repaired = (await part('repair', () => repairBlobs(deps, call)))?.repaired ?? 0;
  const indexed = (await part('index', () => indexUploads(deps, call)))?.indexed ?? 0;
  call.telemetry.info('uploads-reconciled', { retold, found, indexed, repaired });
  call.telemetry.metric('UploadsRetold', 'Count', retold);
  call.telemetry.metric('UploadsFound', 'Count', found);
  call.telemetry.metric('BlobsRepaired', 'Count', repaired);
  if (failures.length === 0) return;
  throw new IngestError({
    code: 'not-reconciled',
    message: `${failures.length} uploads or blobs could not be looked at; see \`upload-not-retold\`, \`upload-not-looked-up\`, \`blob-not-repaired\` and \`not-reconciled\` in the log. A later run tries again.`,
    retryable: true,
    cause: new AggregateError(failures),
  });
}
