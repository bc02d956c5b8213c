import { judgeHeader, judgeName, type Reason, RULE_SET, RULES, type Status } from '../../lib/scanning/index.ts';
import { errorText } from '../../lib/shared/errors.ts';
import { SECOND_MS } from '../../lib/shared/units.ts';
import { digestOf } from '../digestOf.ts';
import type { Source, Target } from './sources.ts';

/** One line of `--json`. */
export interface ScanLine {
  readonly schema: 'strata.scan/v1';
  readonly file: string;
  readonly verdict: Status;
  readonly reasons: readonly Reason[];
  /** Version and digest of the rule set. */
  readonly rules: string;
  /** The blob digest by which Strata would name these bytes; absent where they could not be read to the end. */
  readonly digest?: string;
  readonly format: string;
  readonly bytes: number;
  readonly tensors?: number;
  readonly parameters?: number;
  readonly family?: string;
  readonly kind?: string;
  readonly licence?: string;
}

/** Scans one target within a time; what cannot be read or judged is `unscanned`, never an exception. */
export async function scanTarget(target: Target, timeoutSeconds: number): Promise<ScanLine> {
  let source: Source | undefined;
  try {
    source = await target.open();
    return await scanSource(target.name, source, timeoutSeconds);
  } catch (error) {
    return refusedLine(target.name, source?.size ?? 0, 'file.unreadable', errorText(error));
  } finally {
    await source?.close();
  }
}

async function scanSource(file: string, source: Source, timeoutSeconds: number): Promise<ScanLine> {
  const end = performance.now() + timeoutSeconds * SECOND_MS;
  const verdict = judgeName(file, await judgeHeader(source, { expired: () => performance.now() > end }));
  const digest = await digestOf(source);
  if (!(await source.unchanged())) {
    return refusedLine(file, source.size, 'file.changed', 'the file was written to while it was scanned');
  }
  const { analysis } = verdict;
  return {
    schema: 'strata.scan/v1',
    file,
    verdict: verdict.status,
    reasons: verdict.reasons,
    rules: verdict.rules,
    digest,
    format: verdict.format,
    bytes: source.size,
    ...(analysis === undefined
      ? {}
      : {
          tensors: analysis.tensorCount,
          parameters: analysis.parameters,
          family: analysis.family,
          kind: analysis.kind,
          ...(analysis.licence === undefined ? {} : { licence: analysis.licence }),
        }),
  };
}

function refusedLine(file: string, bytes: number, rule: 'file.unreadable' | 'file.changed', text: string): ScanLine {
  const reason = { rule, text, fix: RULES[rule].fix };
  return {
    schema: 'strata.scan/v1',
    file,
    verdict: 'unscanned',
    reasons: [reason],
    rules: RULE_SET,
    format: 'unknown',
    bytes,
  };
}
