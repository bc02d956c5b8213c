import { type Actor, auditChanges, type AuditRecord, blobRecord, uploadRecord } from '../audit/index.ts';
import {
  type Blob,
  BlobRow,
  expectationOf,
  type HeaderFindings,
  type Upload,
  UploadRow,
  type Versioned,
} from '../catalog/index.ts';
import { canonicalJson } from '../shared/canonicalJson.ts';
import type { CorrelationId } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { IngestError } from './errors.ts';

// The only places of this capability that write the rows of uploads and blobs: no verdict changes without its entry in the audit trail.

/** A step of the plane, as audit entries name it. */
export const step = (name: string): Actor => ({ kind: 'plane', name });

/** Writes an upload's row over the one that was read, and records what changed in what is thought of its bytes. */
export async function uploadChanges(
  catalog: CatalogStore,
  row: Versioned<Upload> | undefined,
  after: Upload,
  by: Actor,
  now: EpochMs,
): Promise<readonly Change[]> {
  const put = UploadRow.put(after, expectationOf(row));
  return recorded(catalog, put, uploadRecord(row?.value, after, by, now));
}

/** The same for a blob's row. */
export async function judgedBlobChanges(
  catalog: CatalogStore,
  row: Versioned<Blob> | undefined,
  after: Blob,
  cause: { readonly by: Actor; readonly correlationId: CorrelationId },
  now: EpochMs,
): Promise<readonly Change[]> {
  const put = BlobRow.put(after, expectationOf(row));
  return recorded(catalog, put, blobRecord(row?.value, after, cause, now));
}

/**
 * Nothing tells which rules are the newer ones: bytes that other rules judged while these did are judged once more, by what is
 * deployed then. Throws `object-busy`.
 */
export function refuseOvertaken(
  before: HeaderFindings | undefined,
  now: HeaderFindings | undefined,
  judged: HeaderFindings,
): void {
  if (before === undefined || now === undefined || now.rules === judged.rules) return;
  if (canonicalJson(now) === canonicalJson(before)) return;
  throw new IngestError({
    code: 'object-busy',
    message: `The bytes were judged by ${now.rules} while ${judged.rules} judged them.`,
    retryable: true,
  });
}

async function recorded(
  catalog: CatalogStore,
  put: Change,
  record: AuditRecord | undefined,
): Promise<readonly Change[]> {
  return record === undefined ? [put] : [put, ...(await auditChanges(catalog, record))];
}
