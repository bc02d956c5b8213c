import type { RescanUpload } from '../../events/rescan/v1.ts';
import { type HeaderFindings, noticePut, sendOnce, settle, type Upload, UploadRow } from '../catalog/index.ts';
import { isDeniedAlone } from './deniedUpload.ts';
import type { IngestDelivery, IngestDeps } from './deps.ts';
import { refuseOvertaken, step, uploadChanges } from './judgedRows.ts';
import { type Judged, type Judgement, judgeLong } from './judgement.ts';
import { noticeOf } from './messages.ts';
import type { Quarantine } from './quarantine.ts';
import { isJudgedSince, noteJudging } from './startRescan.ts';

const MOST_HOPS = 300;

/**
 * Judges one upload in quarantine again. What the rules of today would admit stays there as `releasable` until an operator releases
 * it: publishing an old upload by itself would surprise everybody. An upload that has left quarantine is left as it is.
 */
export async function rescanUpload(deps: IngestDeps, message: RescanUpload, call: IngestDelivery): Promise<void> {
  const upload = (await UploadRow.get(deps.catalog, message.key, message.versionId))?.value;
  if (!isJudgedAgain(upload)) return;
  await noteJudging(deps);
  if (isJudgedSince(deps, message, upload.findings)) return;
  const judgement = await judgeUnlessDenied(deps, upload, message.progress, call);
  if (judgement.outcome === 'unfinished' && message.hop + 1 < MOST_HOPS) {
    const { progress } = judgement;
    const body = { ...message, hop: message.hop + 1, ...(progress === undefined ? {} : { progress }) };
    const id = `${message.rescanId} ${message.key} ${message.versionId} ${body.hop}`;
    await sendOnce(deps, { scope: 'rescan-hop', id }, { queue: 'rescan', body });
    return;
  }
  // Bytes that are gone, archived, refused or endless change nothing for what is in quarantine.
  if (judgement.outcome !== 'judged') return;
  const told = await settle(deps.catalog, 'The re-scan', async () => {
    const row = await UploadRow.get(deps.catalog, message.key, message.versionId);
    if (row === undefined || !isJudgedAgain(row.value)) return { changes: [], answer: undefined };
    refuseOvertaken(upload.findings, row.value.findings, judgement.findings);
    const now = deps.clock.now();
    const quarantine = reasonOf(row.value, judgement);
    const moved: Upload = { ...row.value, findings: judgement.findings, quarantine };
    const put = await uploadChanges(deps.catalog, row, moved, step('rescan-upload'), now);
    if (quarantine.reason === row.value.quarantine?.reason || quarantine.reason !== 'releasable') {
      return { changes: put, answer: undefined };
    }
    const { reason, text } = quarantine;
    const notice = noticePut(...noticeOf(moved, { change: 'releasable', reason, text }, now));
    return { changes: [...put, notice], answer: moved };
  });
  if (told !== undefined)
    call.telemetry.info('upload-releasable', { key: told.key, versionId: told.versionId, rules: told.findings?.rules });
}

async function judgeUnlessDenied(
  deps: IngestDeps,
  upload: Upload,
  progress: string | undefined,
  call: IngestDelivery,
): Promise<Judgement | { readonly outcome: 'denied' }> {
  try {
    return await judgeLong(deps, upload, progress, call);
  } catch (error) {
    if (await isDeniedAlone(deps, upload, error)) return { outcome: 'denied' };
    throw error;
  }
}

/** Of bytes that are being deleted nobody asks any more. */
function isJudgedAgain(upload: Upload | undefined): upload is Upload & { readonly findings: HeaderFindings } {
  return upload?.state === 'quarantined' && upload.findings !== undefined && upload.removal === undefined;
}

/** Reasons that no verdict gave, as that its version is closed, stay. */
function reasonOf({ quarantine, key, versionId }: Upload, judged: Judged): Quarantine {
  const fromVerdict = quarantine === undefined || VERDICT_REASONS.has(quarantine.reason);
  if (!fromVerdict) return quarantine;
  const text = `The rules of today admit it. Have it published: strata quarantine release ${key} --version-id ${versionId} --reason WHY`;
  return judged.quarantine ?? { reason: 'releasable', text };
}

/** Reasons that a verdict or the policy gave; an operator may release an upload that has one of them. */
export const VERDICT_REASONS: ReadonlySet<Quarantine['reason']> = new Set([
  'invalid-format',
  'malicious',
  'suspicious',
  'unscannable',
  'policy',
  'releasable',
] as const);
