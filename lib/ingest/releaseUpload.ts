import {
  expectationOf,
  noticePut,
  settle,
  type Upload,
  UploadHeadRow,
  UploadRow,
  type Versioned,
} from '../catalog/index.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { IngestError } from './errors.ts';
import { uploadChanges } from './judgedRows.ts';
import { digestPut, noticeOf } from './messages.ts';
import { VERDICT_REASONS } from './rescanUpload.ts';

export interface Release {
  readonly key: string;
  /** The version that the operator looked at, and the rules that had judged it: nothing else is released. */
  readonly versionId?: string | undefined;
  readonly rules?: string | undefined;
  /** Why: kept with the upload and its blob. */
  readonly reason: string;
  /** Who takes it upon themselves. */
  readonly by: string;
  readonly dryRun: boolean;
}

/**
 * Has the newest upload under a key published although its verdict or the policy refused it, if it is still what was looked at. Holds for these bytes and these rules:
 * if the rules change before the upload is published, it is judged again. Throws `IngestError` `not-releasable`.
 */
export async function releaseUpload(
  { catalog, clock }: { readonly catalog: CatalogStore; readonly clock: Clock },
  { key, reason, by, dryRun, ...seen }: Release,
): Promise<Upload> {
  return settle(catalog, 'The upload', async () => {
    const head = await UploadHeadRow.get(catalog, key);
    const versionId = head?.value.versionId;
    const row = versionId === undefined ? undefined : await UploadRow.get(catalog, key, versionId);
    const { upload, findings } = releasable(key, row, seen);
    if (reason.trim() === '') throw refusal(`Say why ${key} is released: --reason TEXT.`);
    const now = clock.now();
    const admission = { serve: true, reason: 'overridden', text: reason, by, at: now };
    const { quarantine: _quarantine, ...rest } = upload;
    const released: Upload = {
      ...rest,
      state: 'digesting',
      movedAt: now,
      hop: 0,
      // What the rules of today admit needs nobody who takes it upon themselves.
      findings: upload.quarantine?.reason === 'releasable' ? findings : { ...findings, admission },
    };
    const told = noticeOf(released, { change: 'released', reason: 'overridden', text: reason, by }, now);
    const put = await uploadChanges(catalog, row, released, { kind: 'operator', name: by }, now);
    // Of one that is no longer the newest nothing would be published.
    const newest: Change = { kind: 'check', key: UploadHeadRow.key(key), expect: expectationOf(head) };
    const changes = [newest, ...put, digestPut(released, now), noticePut(...told)];
    return { changes: dryRun ? [] : changes, answer: released };
  });
}

function releasable(key: string, row: Versioned<Upload> | undefined, seen: Pick<Release, 'versionId' | 'rules'>) {
  const { state, quarantine, findings, removal } = row?.value ?? {};
  if (row === undefined || state !== 'quarantined' || quarantine === undefined) {
    throw refusal(`Nothing under ${key} is in quarantine. \`strata quarantine ls\` lists what is.`);
  }
  if (findings === undefined || row.value.target === undefined || !VERDICT_REASONS.has(quarantine.reason)) {
    throw refusal(`${key} is in quarantine for another reason than its verdict: ${quarantine.reason}.`);
  }
  const lookAgain = `Look at it again: strata quarantine show ${key}`;
  const { versionId } = row.value;
  if (seen.versionId !== undefined && seen.versionId !== versionId) {
    throw refusal(`${key} was uploaded anew since: its newest version is ${versionId}. ${lookAgain}`);
  }
  if (seen.rules !== undefined && seen.rules !== findings.rules) {
    throw refusal(`${key} was judged anew since: it is ${findings.status} by ${findings.rules}. ${lookAgain}`);
  }
  if (removal !== undefined) throw refusal(`The bytes of ${key} were kept for long enough and deleted. Push it again.`);
  return { upload: row.value, findings };
}

function refusal(message: string): IngestError {
  return new IngestError({ code: 'not-releasable', message, retryable: false });
}
