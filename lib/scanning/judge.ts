import { type Analysis, analyse } from './analysis/analysis.ts';
import { type Claim, claimOf } from './detect.ts';
import { ScanningError } from './errors.ts';
import { judgeContent } from './formats/content.ts';
import { StreamPaused } from './formats/pickleFile.ts';
import { Inspection } from './inspection.ts';
import { findSecondFormat } from './polyglot.ts';
import { type Progress, readProgress, writeProgress } from './progress.ts';
import { createCountedReader, createHeadReader, type RangedReader } from './rangedReader.ts';
import { RULE_SET } from './ruleSet.ts';
import { Findings, type Format, type HeaderVerdict } from './verdict.ts';

export interface JudgeOptions {
  /** Bytes that may be read; above them the verdict is `unscanned`. Unlimited by default. */
  readonly maxBytes?: number;
  /** Asked about once per window of input; true ends the scan as `unscanned`. The caller owns the clock. */
  readonly expired?: () => boolean;
}

const HEAD = 64 * 1024;

/**
 * Judges one file from its content, never from its name: which format it is, whether it is well-formed, what loading it
 * would do. Reads through the port only, and keeps no state; the same bytes give the same verdict. What the bytes
 * contain never makes it reject: it rejects only with an error of the port itself, which the caller may retry.
 */
export async function judgeHeader(reader: RangedReader, options: JudgeOptions = {}): Promise<HeaderVerdict> {
  const step = await judgeStep(reader, options, undefined);
  if (step.outcome === 'judged') return step.verdict;
  throw new ScanningError('refused', 'a judgement that must not pause did');
}

export interface StepOptions extends JudgeOptions {
  /** Asked about once per window of input; true makes the judgement pause where it can. */
  readonly pauseIsDue: () => boolean;
  /** What an earlier step of the same bytes answered. One of other rules or of another size is not taken up. */
  readonly progress?: Uint8Array | undefined;
}

export type StepOutcome =
  | { readonly outcome: 'judged'; readonly verdict: HeaderVerdict }
  /** `progress` is all that a later step needs, in this process or another. */
  | { readonly outcome: 'paused'; readonly progress: Uint8Array };

/**
 * Judges as `judgeHeader` does, in as many steps as the caller's time limit makes necessary: streams of pickles pause between
 * two opcodes, and whatever else takes long runs to its deadline. Steps over the same bytes end in the verdict of one.
 */
export function judgeInSteps(reader: RangedReader, options: StepOptions): Promise<StepOutcome> {
  const resumed = options.progress === undefined ? undefined : readProgress(options.progress, reader.size);
  return judgeStep(reader, options, { isDue: options.pauseIsDue, resumed });
}

async function judgeStep(
  reader: RangedReader,
  options: JudgeOptions,
  steps: { readonly isDue: () => boolean; readonly resumed: Progress | undefined } | undefined,
): Promise<StepOutcome> {
  const before = steps?.resumed;
  const counted = createCountedReader(reader, options.maxBytes ?? Number.MAX_SAFE_INTEGER);
  const findings = new Findings();
  if (before !== undefined) findings.restore(before.findings);
  const inspection = new Inspection(findings, inspectContent, options.expired ?? (() => false), {
    ...(before === undefined ? {} : { facts: before.facts }),
    ...(steps === undefined ? {} : { pausing: { isDue: steps.isDue, resumed: before?.stream } }),
  });
  const bytesRead = () => (before?.bytesRead ?? 0) + counted.bytesRead;
  const requests = () => (before?.requests ?? 0) + counted.requests;
  let format: Format;
  try {
    format = await judgeWithin(counted, inspection);
  } catch (error) {
    if (!(error instanceof StreamPaused)) throw error;
    const { facts } = inspection;
    const place = { size: reader.size, bytesRead: bytesRead(), requests: requests() };
    const state = { ...place, findings: findings.state(), facts, stream: error.state };
    return { outcome: 'paused', progress: writeProgress(state) };
  }
  const analysis = analysisOf(findings, inspection);
  const verdict: HeaderVerdict = {
    status: findings.status,
    format,
    reasons: findings.reasons,
    rules: RULE_SET,
    ...(analysis === undefined ? {} : { analysis }),
    bytesRead: bytesRead(),
    requests: requests(),
  };
  return { outcome: 'judged', verdict };
}

async function judgeWithin(reader: RangedReader, inspection: Inspection): Promise<Format> {
  try {
    return await inspection.guard(() => inspectContent(reader, inspection), 'unknown');
  } catch (error) {
    if (error instanceof StreamPaused) throw error;
    if (error instanceof ScanningError && error.cause instanceof Error) throw error.cause;
    const isBudget = error instanceof ScanningError && error.code === 'budget';
    // Anything else is the scanner's own mistake: never a crash of its host, and never clean.
    inspection.report(
      isBudget ? 'file.budget' : 'file.scanner-error',
      error instanceof Error ? error.message : 'unknown',
    );
    return 'unknown';
  }
}

/** Facts of a file that could not be read to its end would be half the truth. */
function analysisOf(findings: Findings, { facts }: Inspection): Analysis | undefined {
  const readable = findings.status === 'clean' || findings.status === 'suspicious' || findings.status === 'malicious';
  if (!readable || (facts.tensors.length === 0 && facts.metadata.size === 0)) return undefined;
  return analyse(facts.tensors, facts.metadata);
}

/** What a file is called whose reader refused it. */
const CLAIMED: Readonly<Record<Claim, Format>> = {
  safetensors: 'safetensors',
  gguf: 'gguf',
  onnx: 'onnx',
  npy: 'npy',
  hdf5: 'hdf5',
  pickle: 'pickle',
  zip: 'zip',
  tar: 'tar',
  compressed: 'compressed',
  archive: 'unknown',
  executable: 'unknown',
  other: 'unknown',
};

/** Judges one content: the file, or a member of an archive in it. */
async function inspectContent(reader: RangedReader, inspection: Inspection): Promise<Format> {
  inspection.checkTime();
  if (reader.size === 0) {
    // Package markers and empty assets are members of real archives; an empty file is no model.
    if (inspection.depth === 0) inspection.report('file.empty', 'the file has no bytes');
    return 'unknown';
  }
  const head = await reader.read(0, Math.min(reader.size, HEAD));
  const claim = claimOf(head);
  const cached = createHeadReader(reader, head);
  // A step that goes on has looked already.
  if (inspection.pausing?.resumed === undefined) await findSecondFormat(cached, claim, head, inspection);
  return inspection.guard(() => judgeContent(cached, claim, head, inspection), CLAIMED[claim]);
}
