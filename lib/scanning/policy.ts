import type { Format, HeaderVerdict, Status } from './verdict.ts';

/** What an operator allows. Formats and licences that are absent are not restricted. */
export interface ScanPolicy {
  readonly formats?: readonly Format[];
  /** Licence ids as files claim them, compared without case; a file without a claim fails a restriction. */
  readonly licences?: readonly string[];
  readonly maxBytes?: number;
  readonly allowSuspicious: boolean;
}

/** An operator takes the decision upon themselves, for these bytes and these rules only. */
export interface Override {
  readonly digest: string;
  readonly rules: string;
  readonly by: string;
  readonly reason: string;
}

export type ScanDecision =
  | { readonly action: 'serve'; readonly reason: 'clean' | 'suspicious-allowed' | 'overridden'; readonly by?: string }
  | {
      readonly action: 'quarantine';
      readonly reason: Exclude<Status, 'clean'> | 'format' | 'licence' | 'size' | 'override-not-for-this';
      readonly text: string;
    };

/** The bytes that were judged. */
export interface Judged {
  readonly digest: string;
  readonly bytes: number;
  readonly verdict: HeaderVerdict;
}

/**
 * What a verdict means under a policy. `malicious`, `invalid` and `unscanned` are never served by policy, only by an
 * override that names these bytes and these rules: after a change of either it no longer holds.
 */
export function decideScan(judged: Judged, policy: ScanPolicy, override?: Override): ScanDecision {
  const { digest, verdict } = judged;
  if (override !== undefined) {
    const holds = override.digest === digest && override.rules === verdict.rules && override.reason.trim() !== '';
    if (holds) return { action: 'serve', reason: 'overridden', by: override.by };
    return quarantine('override-not-for-this', 'the override is for other bytes or rules, or gives no reason');
  }
  const { status, reasons } = verdict;
  if (status !== 'clean' && !(status === 'suspicious' && policy.allowSuspicious)) {
    return quarantine(status, reasons[0]?.text ?? status);
  }
  return (
    restriction(judged, policy) ?? { action: 'serve', reason: status === 'clean' ? 'clean' : 'suspicious-allowed' }
  );
}

function restriction({ bytes, verdict }: Judged, policy: ScanPolicy): ScanDecision | undefined {
  const { format, analysis } = verdict;
  if (policy.formats !== undefined && !policy.formats.includes(format)) {
    return quarantine('format', `${format} is not among ${policy.formats.join(', ')}`);
  }
  if (policy.maxBytes !== undefined && bytes > policy.maxBytes) {
    return quarantine('size', `${bytes} bytes; ${policy.maxBytes} are allowed`);
  }
  const licence = analysis?.licence?.toLowerCase();
  const allowed = policy.licences?.map((name) => name.toLowerCase());
  if (allowed !== undefined && (licence === undefined || !allowed.includes(licence))) {
    return quarantine('licence', `the licence is ${licence ?? 'not told'}`);
  }
  return undefined;
}

function quarantine(reason: Extract<ScanDecision, { action: 'quarantine' }>['reason'], text: string): ScanDecision {
  return { action: 'quarantine', reason, text };
}
