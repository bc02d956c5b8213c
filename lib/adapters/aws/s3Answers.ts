import { EpochMs } from '../../shared/units.ts';
import { StorageClass } from '../../shared/ids.ts';
import type { CopyOutcome, ObjectHead } from '../../shared/ports/objectStore.ts';
import { awsErrorName, awsStatus } from './errors.ts';

/** Absent means STANDARD; a class that Strata never uses itself (ONEZONE_IA …) counts as STANDARD too: it reads at once. */
export function storageClassOf(text: string | undefined): StorageClass {
  const parsed = StorageClass.safeParse(text ?? 'STANDARD');
  return parsed.success ? parsed.data : 'STANDARD';
}

export function timeOf(date: Date | undefined): EpochMs {
  return EpochMs.parse(date === undefined ? 0 : date.getTime());
}

/** Reads `x-amz-restore` (`ongoing-request="false", expiry-date="…"`) of the classes that need a restore. */
export function restoreOf(answer: {
  readonly StorageClass?: string | undefined;
  readonly ArchiveStatus?: string | undefined;
  readonly Restore?: string | undefined;
}): Pick<ObjectHead, 'restore'> {
  const archived =
    answer.StorageClass === 'GLACIER' || answer.StorageClass === 'DEEP_ARCHIVE' || answer.ArchiveStatus !== undefined;
  if (!archived) return {};
  if (answer.Restore === undefined) return { restore: { state: 'archived' } };
  if (answer.Restore.includes('ongoing-request="true"')) return { restore: { state: 'restoring' } };
  const until = /expiry-date="([^"]+)"/.exec(answer.Restore)?.[1];
  return {
    restore: { state: 'restored', ...(until === undefined ? {} : { until: EpochMs.parse(Date.parse(until)) }) },
  };
}

/**
 * No such key or version, as a read of it answers: 405 for a delete marker's version id, 400 for a malformed one (without
 * a code when the request was a HEAD).
 */
export function isAbsent(error: unknown, versionId: string | undefined): boolean {
  const name = awsErrorName(error);
  const status = awsStatus(error);
  if (status === 404) return name !== 'NoSuchBucket';
  if (versionId === undefined) return false;
  return status === 405 || (status === 400 && ['400', 'BadRequest', 'InvalidArgument', 'UnknownError'].includes(name));
}

export const isArchived = (error: unknown): boolean => awsErrorName(error) === 'InvalidObjectState';

/** 412: the condition did not hold. 409: a concurrent write of the key; S3 asks to try again. */
export function refusedWrite(
  error: unknown,
): { readonly outcome: 'exists' } | { readonly outcome: 'busy' } | undefined {
  const status = awsStatus(error);
  if (status === 412) return { outcome: 'exists' };
  if (status === 409) return { outcome: 'busy' };
  return undefined;
}

export function written(
  versionId: string | undefined,
  etag: string | undefined,
  size: number | undefined,
): Extract<CopyOutcome, { outcome: 'written' }> {
  return { outcome: 'written', versionId: versionId ?? 'null', etag: unquoted(etag), size: size ?? 0 };
}

/** ETags are compared, never interpreted; the quotes of the header are not part of them. */
export function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}
