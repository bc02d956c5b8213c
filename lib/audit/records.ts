import type { AuditEntry } from '../../events/audit-seal/v1.ts';
import { type Blob, type HeaderFindings, isAdmitted, type Upload, type Version } from '../catalog/index.ts';
import { misnaming } from '../scanning/index.ts';
import { blobKey } from '../shared/digest.ts';
import type { CorrelationId } from '../shared/ids.ts';
import type { EpochMs } from '../shared/units.ts';
import { hashOf } from './hashes.ts';
import type { AuditRecord } from './record.ts';

export type Actor = AuditEntry['by'];

/** What a version's history is found under. */
export const versionObject = ({ model, version }: Pick<Version, 'model' | 'version'>): string => `${model}@${version}`;

/** What to record of a change of an upload's row; nothing where what is thought of its bytes stays as it is. */
export function uploadRecord(
  before: Upload | undefined,
  after: Upload,
  by: Actor,
  at: EpochMs,
): AuditRecord | undefined {
  const action = uploadAction(before, after);
  if (action === undefined) return undefined;
  const { key, versionId, size, etag, digest, findings, quarantine, correlationId } = after;
  const told = quarantine ?? (action === 'released' ? findings?.admission : undefined);
  return {
    object: key,
    at,
    action,
    by,
    ...reasonOf(action === 'released' && told === undefined ? { reason: 'releasable' } : told),
    ...verdictOf(findings),
    bytes: { key, versionId, size, etag, ...(digest === undefined ? {} : { digest }) },
    correlationId,
  };
}

function uploadAction(before: Upload | undefined, after: Upload): AuditEntry['action'] | undefined {
  const published = after.state === 'ready' && before?.state === 'digesting';
  const same = hashed(before?.findings) === hashed(after.findings);
  const refusal = ({ quarantine }: Pick<Upload, 'quarantine'>) =>
    JSON.stringify([quarantine?.reason, quarantine?.text]);
  if (same && refusal(before ?? {}) === refusal(after)) return published ? 'published' : undefined;
  if (after.state === 'quarantined') return before?.state === 'quarantined' ? 'rescanned' : 'quarantined';
  if (before?.state === 'quarantined') return 'released';
  return after.findings === undefined ? 'set-aside' : 'judged';
}

/** The same of a blob, whose verdict is that of its newest publication or re-scan. */
export function blobRecord(
  before: Blob | undefined,
  after: Blob,
  cause: { readonly by: Actor; readonly correlationId: CorrelationId },
  at: EpochMs,
): AuditRecord | undefined {
  const { digest, findings, origin, size } = after;
  if (before !== undefined && hashed(before.findings) === hashed(findings)) return undefined;
  const overridden = findings.admission?.reason === 'overridden';
  const key = blobKey(digest);
  return {
    object: key,
    at,
    action: overridden ? 'released' : before === undefined ? 'judged' : 'rescanned',
    by: cause.by,
    ...reasonOf(findings.admission),
    ...verdictOf(findings),
    bytes: { key, versionId: origin.versionId, size, digest },
    correlationId: cause.correlationId,
  };
}

/** What to record of a published version that is withdrawn, or comes back, by the verdict on one of its blobs. */
export function versionRecord(version: Version, blob: Blob, by: Actor, at: EpochMs): AuditRecord {
  const { withdrawn, correlationId } = version;
  const { digest, findings } = blob;
  const { reason, text: why } = whyAligned(version, blob);
  return {
    object: versionObject(version),
    at,
    action: withdrawn === undefined ? 'restored' : 'withdrawn',
    by,
    reason,
    text: `${blobKey(digest)}: ${why}`,
    ...verdictOf(findings),
    correlationId,
  };
}

/** Why a version is withdrawn, or came back, by the verdict on one of its blobs: as a code, and in words. */
export function whyAligned(
  { files, withdrawn }: Version,
  { digest, findings }: Blob,
): { readonly reason: string; readonly text: string } {
  const { admission, status, reasons } = findings;
  const reason = withdrawn?.reason ?? admission?.reason ?? status;
  const misnamed = isAdmitted(findings) ? misnaming(files, { digest, findings }) : undefined;
  const [first] = reasons;
  const judged = first === undefined ? (admission?.text ?? reason) : `${first.rule}: ${first.text}`;
  return { reason, text: misnamed ?? judged };
}

/** SHA-256 of a verdict as the catalog keeps it, as entries name it. */
export function hashed(findings: HeaderFindings | undefined): string | undefined {
  return findings === undefined ? undefined : hashOf(findings);
}

function reasonOf(why: { readonly reason: string; readonly text?: string | undefined } | undefined) {
  if (why === undefined) return {};
  return { reason: why.reason, ...(why.text === undefined ? {} : { text: why.text }) };
}

function verdictOf(findings: HeaderFindings | undefined): Pick<AuditRecord, 'verdict'> {
  if (findings === undefined) return {};
  const { status, rules, policy, reasons } = findings;
  return {
    verdict: {
      status,
      rules,
      ...(policy === undefined ? {} : { policy }),
      reasons: reasons.map(({ rule }) => rule),
      serve: isAdmitted(findings),
      findings: hashOf(findings),
    },
  };
}
