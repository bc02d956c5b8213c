import { createHash } from 'node:crypto';
import type { HeaderFindings, Upload } from '../catalog/index.ts';
import { decideScan, type HeaderVerdict, judgeName, type RangedReader } from '../scanning/index.ts';
import { MIB, SECOND_MS } from '../shared/units.ts';
import type { IngestDelivery, IngestDeps } from './deps.ts';
import { IngestError } from './errors.ts';
import { findingsOf, quarantineOf } from './findings.ts';
import type { PinnedObject } from './hashParts.ts';
import { pinnedReader, UnreadableUpload } from './pinnedReader.ts';
import type { Quarantine } from './quarantine.ts';
import { loadProgress, saveProgress } from './scanProgress.ts';

/** What a header, a vocabulary or the pickle of a model needs; what needs more is judged in calls of its own. */
const HEADER = { maxBytes: 64 * MIB, ms: 10 * SECOND_MS };
/** Of a long judgement: it pauses with so much time left, and is over with so little. */
const PAUSE_MS = 60 * SECOND_MS;
const RESERVE_MS = 20 * SECOND_MS;
/** So often the time of a call may run out before it says something of the file, and not of the store on that day. */
const LONG_TRIES = 3;

/** What is judged: an upload by its name as well, the bytes of a blob without one. */
type JudgedObject = PinnedObject & Pick<Upload, 'target'>;

/** The verdict of one object version with what follows from it. */
export interface Judged {
  readonly findings: HeaderFindings;
  /** Absent where it may be served. */
  readonly quarantine?: Quarantine;
}

export type Judgement =
  | ({ readonly outcome: 'judged' } & Judged)
  | { readonly outcome: 'absent' }
  | { readonly outcome: 'archived' }
  /** Needs more bytes or time than this call has; `progress` where it can go on from there. */
  | { readonly outcome: 'unfinished'; readonly progress?: string };

/** Judges what a header-sized read can judge; `unfinished` where that is not enough. */
export async function judgeHead(deps: IngestDeps, pinned: JudgedObject): Promise<Judgement> {
  return readable(async () => {
    const end = deps.clock.now() + HEADER.ms;
    const options = { maxBytes: HEADER.maxBytes, expired: () => deps.clock.now() > end };
    const verdict = await deps.scanner.judgeHeader(pinnedReader(deps.objects, pinned), options);
    return isUnfinished(verdict) ? { outcome: 'unfinished' } : decided(deps, pinned, verdict);
  });
}

/**
 * Judges or goes on judging with all of the call's time; what can pause leaves its progress in the catalog.
 * @throws IngestError `scan-cut-off` (retryable) when the time of one of the first deliveries ran out.
 */
export async function judgeLong(
  deps: IngestDeps,
  pinned: JudgedObject,
  progress: string | undefined,
  call: IngestDelivery,
  reader: RangedReader = pinnedReader(deps.objects, pinned),
): Promise<Judgement> {
  return readable(async () => {
    const saved = progress === undefined ? undefined : await loadProgress(deps, pinned, progress);
    const step = await deps.scanner.judgeInSteps(reader, {
      expired: () => call.remainingMs() < RESERVE_MS,
      pauseIsDue: () => call.remainingMs() < PAUSE_MS,
      progress: saved,
    });
    if (step.outcome === 'judged') {
      if (call.receiveCount < LONG_TRIES && hasReason(step.verdict, 'file.deadline')) {
        const message = `${pinned.key} was not judged within the time of one call.`;
        throw new IngestError({ code: 'scan-cut-off', message, retryable: true });
      }
      return decided(deps, pinned, step.verdict);
    }
    const name = createHash('sha256').update(step.progress).digest('hex');
    const kept = await saveProgress(deps, pinned, name, step.progress);
    return kept ? { outcome: 'unfinished', progress: name } : decided(deps, pinned, tooLarge(deps, step.progress));
  });
}

async function readable(judge: () => Promise<Judgement>): Promise<Judgement> {
  try {
    return await judge();
  } catch (error) {
    if (error instanceof UnreadableUpload) return { outcome: error.outcome };
    throw error;
  }
}

function isUnfinished(verdict: HeaderVerdict): boolean {
  return hasReason(verdict, 'file.budget') || hasReason(verdict, 'file.deadline');
}

function hasReason({ status, reasons }: HeaderVerdict, sought: 'file.budget' | 'file.deadline'): boolean {
  return status === 'unscanned' && reasons.some(({ rule }) => rule === sought);
}

function decided({ settings }: IngestDeps, pinned: JudgedObject, read: HeaderVerdict): Judgement {
  const { scanPolicy } = settings;
  const verdict = pinned.target === undefined ? read : judgeName(pinned.target.file, read);
  const subject = `${pinned.key} ${pinned.versionId}`;
  const decision = decideScan({ subject, bytes: pinned.size, verdict }, scanPolicy);
  const quarantine = quarantineOf(verdict, decision);
  return {
    outcome: 'judged',
    findings: findingsOf(verdict, decision, scanPolicy),
    ...(quarantine === undefined ? {} : { quarantine }),
  };
}

/** What would have to be remembered between two calls is more than anybody should keep for one file. */
function tooLarge({ scanner }: IngestDeps, progress: Uint8Array): HeaderVerdict {
  const text = `the judgement would have to keep ${progress.length} bytes between two calls`;
  const fix = 'Convert the file to safetensors and upload it again.';
  const { rules } = scanner;
  return {
    status: 'unscanned',
    format: 'pickle',
    reasons: [{ rule: 'file.too-large', text, fix }],
    rules,
    bytesRead: 0,
    requests: 0,
  };
}
