import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { canonicalJson } from '../shared/canonicalJson.ts';
import { formatCount } from '../shared/formatCount.ts';
import { ScanningError } from './errors.ts';
import { FORMATS, type HeaderVerdict, type Status } from './verdict.ts';

/** What an operator allows. Formats and licences that are absent are not restricted. */
const ScanPolicy = z.strictObject({
  formats: z.optional(z.array(z.enum(FORMATS))),
  /** Licence ids as files claim them, compared without case; a file without a claim fails a restriction. */
  licences: z.optional(z.array(z.string())),
  maxBytes: z.optional(z.number().check(z.positive())),
  allowSuspicious: z.boolean(),
});
export type ScanPolicy = z.infer<typeof ScanPolicy>;

/** What is clean is served, whatever it is; nothing else is. */
export const OPEN_POLICY: ScanPolicy = { allowSuspicious: false };

/** A policy from an operator's JSON text. Throws `ScanningError` `policy`. */
export function parseScanPolicy(text: string): ScanPolicy {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ScanningError('policy', 'The scan policy is no JSON text.', cause);
  }
  const parsed = ScanPolicy.safeParse(json);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path }) => path.join('.') || 'its form').join(', ');
  throw new ScanningError('policy', `The scan policy is wrong in ${wrong}.`, parsed.error);
}

/** Names a policy: what another one admitted is due for another decision. */
export function policyDigest({ formats, licences, maxBytes, allowSuspicious }: ScanPolicy): string {
  const facts = {
    allowSuspicious,
    ...(formats === undefined ? {} : { formats: [...formats].sort() }),
    ...(licences === undefined ? {} : { licences: licences.map((name) => name.toLowerCase()).sort() }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  };
  return createHash('sha256').update(canonicalJson(facts)).digest('hex').slice(0, 16);
}

/** An operator takes the decision upon themselves, for these bytes and these rules only. */
export interface Override {
  readonly subject: string;
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

/** The bytes that were judged: by their digest, or before it is known by their pinned object version. */
export interface Judged {
  readonly subject: string;
  readonly bytes: number;
  readonly verdict: HeaderVerdict;
}

/**
 * What a verdict means under a policy. `malicious`, `invalid` and `unscanned` are never served by policy, only by an
 * override that names these bytes and these rules: after a change of either it no longer holds.
 */
export function decideScan(judged: Judged, policy: ScanPolicy, override?: Override): ScanDecision {
  const { subject, verdict } = judged;
  if (override !== undefined) {
    const holds = override.subject === subject && override.rules === verdict.rules && override.reason.trim() !== '';
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
    return quarantine('size', `${formatCount(bytes, 'byte')}; ${policy.maxBytes} are allowed`);
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
