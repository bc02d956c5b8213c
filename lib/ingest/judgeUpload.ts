import { SET_FILE } from '../../events/upload-set/v1.ts';
import { expectationOf, type HeaderFindings, type Upload, UploadRow, settle } from '../catalog/index.ts';
import { PortError } from '../shared/errors.ts';
import { closeSet } from './closeSet.ts';
import type { IngestCall, IngestDeps, PinnedUpload } from './deps.ts';
import { judgePinned, quarantineOf, UnreadableUpload } from './findings.ts';
import { digestPut } from './messages.ts';
import { type Quarantine, reportQuarantine } from './quarantine.ts';
import { receiveSet } from './receiveSet.ts';

/**
 * Gives an observed upload its header verdict: what is clean goes on to the digest step, the rest into quarantine. The
 * verdict is bound to the pinned version. An upload in any other state is left as it is.
 */
export async function judgeUpload(deps: IngestDeps, pinned: PinnedUpload, call: IngestCall): Promise<void> {
  const row = await UploadRow.get(deps.catalog, pinned.key, pinned.versionId);
  if (row === undefined) return;
  const upload = row.value;
  if (upload.target?.file === SET_FILE && upload.set !== undefined) {
    if (upload.state === 'observed') await receiveSet(deps, pinned, call);
    await closeSet(deps, { model: upload.target.model, version: upload.target.version, set: upload.set }, call);
    return;
  }
  if (upload.state !== 'observed') return;
  const begun = await beginScan(deps, pinned);
  if (begun?.state !== 'observed') {
    if (begun !== undefined) reportQuarantine(begun, call);
    return;
  }
  const judged = await judgeBegun(deps, upload);
  const moved = await settleVerdict(deps, pinned, judged);
  if (moved === undefined) return;
  call.telemetry.info('upload-judged', {
    key: moved.key,
    versionId: moved.versionId,
    state: moved.state,
    status: judged.findings?.status,
    format: judged.findings?.format,
    reason: moved.quarantine?.reason,
  });
  if (judged.findings !== undefined) {
    call.telemetry.metric('Verdicts', 'Count', 1, { status: judged.findings.status });
  }
  reportQuarantine(moved, call);
}

/** A scanner that dies on a file, of memory or of time, leaves no verdict: after so many begun scans the file is to blame. */
const MOST_SCANS = 6;

/** Counts a scan before it begins. Answers the upload as it is then: observed, or quarantined where scan after scan never ended. */
async function beginScan(deps: IngestDeps, pinned: PinnedUpload): Promise<Upload | undefined> {
  return settle(deps.catalog, 'The scan', async () => {
    const row = await UploadRow.get(deps.catalog, pinned.key, pinned.versionId);
    if (row?.value.state !== 'observed') return { changes: [], answer: undefined };
    const scans = (row.value.scans ?? 0) + 1;
    const begun: Upload =
      scans <= MOST_SCANS
        ? { ...row.value, scans }
        : { ...row.value, state: 'quarantined', movedAt: deps.clock.now(), quarantine: NEVER_SCANNED };
    return { changes: [UploadRow.put(begun, expectationOf(row))], answer: begun };
  });
}

const NEVER_SCANNED: Quarantine = {
  reason: 'unscannable',
  text: `${MOST_SCANS} scans began and none ended. Convert the file to safetensors and upload it again.`,
};

/** A store that cannot be read says nothing about the file: such a scan is not counted against it. */
async function judgeBegun(deps: IngestDeps, upload: Upload): Promise<Judged> {
  try {
    return await judge(deps, upload);
  } catch (error) {
    if (error instanceof PortError && error.retryable) await uncountScan(deps, upload);
    throw error;
  }
}

async function uncountScan(deps: IngestDeps, pinned: PinnedUpload): Promise<void> {
  await settle(deps.catalog, 'The scan', async () => {
    const row = await UploadRow.get(deps.catalog, pinned.key, pinned.versionId);
    const scans = row?.value.scans ?? 0;
    if (row?.value.state !== 'observed' || scans === 0) return { changes: [], answer: undefined };
    return { changes: [UploadRow.put({ ...row.value, scans: scans - 1 }, expectationOf(row))], answer: undefined };
  });
}

interface Judged {
  readonly findings?: HeaderFindings;
  readonly quarantine?: Quarantine;
  readonly absent?: true;
}

async function judge(deps: IngestDeps, upload: Upload): Promise<Judged> {
  try {
    const findings = await judgePinned(deps.objects, upload);
    const quarantine = quarantineOf(findings);
    return { findings, ...(quarantine === undefined ? {} : { quarantine }) };
  } catch (error) {
    if (!(error instanceof UnreadableUpload)) throw error;
    if (error.outcome === 'absent') return { absent: true };
    return {
      quarantine: { reason: 'unscannable', text: 'The object lies in an archived class: upload it into another.' },
    };
  }
}

/** The upload as it was moved, or undefined where somebody else had moved it before. */
async function settleVerdict(deps: IngestDeps, pinned: PinnedUpload, judged: Judged): Promise<Upload | undefined> {
  return settle(deps.catalog, 'The verdict', async () => {
    const row = await UploadRow.get(deps.catalog, pinned.key, pinned.versionId);
    if (row?.value.state !== 'observed') return { changes: [], answer: undefined };
    const now = deps.clock.now();
    const { findings, quarantine, absent } = judged;
    const moved: Upload = {
      ...row.value,
      state: absent ? 'cancelled' : quarantine === undefined ? 'digesting' : 'quarantined',
      movedAt: now,
      ...(findings === undefined ? {} : { findings }),
      ...(quarantine === undefined ? {} : { quarantine }),
    };
    const put = UploadRow.put(moved, expectationOf(row));
    return { changes: moved.state === 'digesting' ? [put, digestPut(moved, now)] : [put], answer: moved };
  });
}
