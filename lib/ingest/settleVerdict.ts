import { CatalogError, settle, type Upload, UploadRow } from '../catalog/index.ts';
import { errorText, PortError } from '../shared/errors.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import { type EpochMs, HOUR_MS, MINUTE_MS } from '../shared/units.ts';
import type { IngestCall, IngestDeps, PinnedUpload } from './deps.ts';
import { endDenied } from './deniedUpload.ts';
import { step, uploadChanges } from './judgedRows.ts';
import type { Judgement } from './judgement.ts';
import { digestPut, quarantineNotices, scanPut } from './messages.ts';
import { type Quarantine, reportQuarantine } from './quarantine.ts';
import { noteJudging } from './startRescan.ts';

/** A scanner that dies on a file, of memory or of time, leaves no verdict: after so many counted scans the file is to blame. */
const MOST_SCANS = 6;
/**
 * Scans that begin within so long of a counted one are not counted: a catalog that refuses all their verdicts for minutes says as
 * much of the file as one refusal. Longer than a call; a file that kills the scanner is tried for an hour or more.
 */
const COUNTED_ONCE_MS = 10 * MINUTE_MS;
/** Clocks of calls may be an hour ahead, or behind. One that is further ahead is not believed. */
const CLOCKS_DIFFER_MS = 2 * HOUR_MS;
/** A judgement that goes on in further calls; the largest pickle that a person waits for needs some dozens. */
const MOST_HOPS = 300;

const JUDGE = step('judge-upload');

const NEVER_SCANNED: Quarantine = {
  reason: 'unscannable',
  text: `${MOST_SCANS} scans began, minutes apart, and none ended. Convert the file to safetensors and upload it again.`,
};
const TOO_LONG: Quarantine = {
  reason: 'hop-limit',
  text: `No verdict after ${MOST_HOPS} calls. Convert the file to safetensors and upload it again.`,
};
const ARCHIVED: Quarantine = {
  reason: 'unscannable',
  text: 'The object lies in an archived class: upload it into another.',
};

/**
 * One try to judge an upload that waits for its verdict at the hop that the caller was told. The try is counted before it
 * begins; its outcome is written only where the upload still waits at that hop. Throws what `judge` throws.
 */
export async function settleJudgement(
  deps: IngestDeps,
  pinned: PinnedUpload,
  hop: number | undefined,
  call: IngestCall,
  judge: (upload: Upload) => Promise<Judgement>,
): Promise<void> {
  const begun = await beginScan(deps, pinned, hop);
  if (begun?.upload.state !== 'observed') {
    if (begun !== undefined) reportQuarantine(begun.upload, call);
    return;
  }
  try {
    const judgement = await judge(begun.upload);
    const moved = await settleOutcome(deps, pinned, hop, judgement);
    if (moved !== undefined) report(moved, call);
  } catch (error) {
    // First: what tells whose fault it is may fail as well.
    if (begun.counted && isOfStores(error)) await uncountScan(deps, begun.upload, hop, call);
    if (await endDenied(deps, begun.upload, error, call)) return;
    throw error;
  }
}

/** Of stores, their keys and rights: people mend these, and what was refused meanwhile goes on. */
const REFUSALS: ReadonlySet<PortError['code']> = new Set(['access-denied', 'no-such-bucket', 'no-such-queue']);

/** A store that cannot be read, and a verdict that cannot be written, say nothing about the file. */
function isOfStores(error: unknown): boolean {
  if (error instanceof PortError) return error.retryable || REFUSALS.has(error.code);
  return error instanceof CatalogError && error.retryable;
}

function waits(upload: Upload | undefined, hop: number | undefined): upload is Upload {
  return upload?.state === 'observed' && upload.scan?.hop === hop;
}

interface BegunScan {
  readonly upload: Upload;
  readonly counted: boolean;
}

/** Answers the upload as it is then: observed, or quarantined where scan after scan never ended. */
async function beginScan(
  deps: IngestDeps,
  pinned: PinnedUpload,
  hop: number | undefined,
): Promise<BegunScan | undefined> {
  return settle<BegunScan | undefined>(deps.catalog, 'The scan', async () => {
    const row = await UploadRow.get(deps.catalog, pinned.key, pinned.versionId);
    const upload = row?.value;
    if (!waits(upload, hop)) return { changes: [], answer: undefined };
    const now = deps.clock.now();
    if (isCountedAlready(upload, now)) return { changes: [], answer: { upload, counted: false } };
    const scans = (upload.scans ?? 0) + 1;
    const begun: Upload =
      scans <= MOST_SCANS
        ? { ...upload, scans, scanCountedAt: now }
        : { ...upload, state: 'quarantined', movedAt: now, quarantine: NEVER_SCANNED };
    const put = await uploadChanges(deps.catalog, row, begun, JUDGE, now);
    const notices = begun.state === 'quarantined' ? quarantineNotices(begun, now) : [];
    return { changes: [...put, ...notices], answer: { upload: begun, counted: true } };
  });
}

/** What a clock far ahead has counted must not keep what kills the scanner from being counted until then. */
function isCountedAlready({ scanCountedAt }: Upload, now: EpochMs): boolean {
  if (scanCountedAt === undefined) return false;
  return now < scanCountedAt + COUNTED_ONCE_MS && now > scanCountedAt - CLOCKS_DIFFER_MS;
}

/** Takes back what one call has counted; another one may have counted since. Where that fails the scan stays counted. */
async function uncountScan(
  deps: IngestDeps,
  { key, versionId, scanCountedAt }: Upload,
  hop: number | undefined,
  call: IngestCall,
): Promise<void> {
  try {
    await settle(deps.catalog, 'The scan', async () => {
      const row = await UploadRow.get(deps.catalog, key, versionId);
      const upload = row?.value;
      const scans = upload?.scans ?? 0;
      if (!waits(upload, hop) || scans === 0) return { changes: [], answer: undefined };
      const counted = upload.scanCountedAt === scanCountedAt ? undefined : upload.scanCountedAt;
      const fewer: Upload = { ...upload, scans: scans - 1, scanCountedAt: counted };
      return { changes: await uploadChanges(deps.catalog, row, fewer, JUDGE, deps.clock.now()), answer: undefined };
    });
  } catch (error) {
    call.telemetry.warn('scan-not-uncounted', { key, versionId, error: errorText(error) });
  }
}

/** The upload as it was moved, or undefined where somebody else had moved it before. */
async function settleOutcome(
  deps: IngestDeps,
  pinned: PinnedUpload,
  hop: number | undefined,
  judgement: Judgement,
): Promise<Upload | undefined> {
  await noteJudging(deps);
  return settle(deps.catalog, 'The verdict', async () => {
    const row = await UploadRow.get(deps.catalog, pinned.key, pinned.versionId);
    const upload = row?.value;
    if (!waits(upload, hop)) return { changes: [], answer: undefined };
    const now = deps.clock.now();
    const moved: Upload = { ...upload, ...ending(judgement, hop), deniedSince: undefined, movedAt: now };
    const put = await uploadChanges(deps.catalog, row, moved, JUDGE, now);
    return { changes: [...put, ...followUp(moved, now)], answer: moved };
  });
}

function ending(judgement: Judgement, hop: number | undefined): Partial<Upload> {
  switch (judgement.outcome) {
    case 'absent':
      return { state: 'cancelled' };
    case 'archived':
      return { state: 'quarantined', quarantine: ARCHIVED };
    case 'unfinished': {
      const next = hop === undefined ? 0 : hop + 1;
      if (next >= MOST_HOPS) return { state: 'quarantined', quarantine: TOO_LONG };
      const { progress } = judgement;
      return {
        scans: 0,
        scanCountedAt: undefined,
        scan: { hop: next, ...(progress === undefined ? {} : { progress }) },
      };
    }
    case 'judged': {
      const { findings, quarantine } = judgement;
      return quarantine === undefined
        ? { state: 'digesting', findings }
        : { state: 'quarantined', findings, quarantine };
    }
  }
}

/** What a moved upload causes, for the transaction that moves it. */
function followUp(moved: Upload, now: EpochMs): readonly Change[] {
  if (moved.state === 'digesting') return [digestPut(moved, now)];
  if (moved.state === 'observed') return [scanPut(moved, now)];
  return quarantineNotices(moved, now);
}

function report(moved: Upload, call: IngestCall): void {
  const { key, versionId, state, findings, quarantine, scan } = moved;
  if (state === 'observed') {
    call.telemetry.info('scan-handed-over', { key, versionId, hop: scan?.hop });
    return;
  }
  const { status, format } = findings ?? {};
  call.telemetry.info('upload-judged', { key, versionId, state, status, format, reason: quarantine?.reason });
  if (status !== undefined) call.telemetry.metric('Verdicts', 'Count', 1, { status });
  reportQuarantine(moved, call);
}
