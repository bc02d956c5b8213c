import type { Admission, HeaderFindings } from '../catalog/index.ts';
import { type HeaderVerdict, policyDigest, type ScanDecision, type ScanPolicy } from '../scanning/index.ts';
import { ModelKind } from '../shared/ids.ts';
import type { IngestDeps } from './deps.ts';
import type { Quarantine } from './quarantine.ts';

/** What the catalog keeps of a verdict and of what the policy made of it. */
export function findingsOf(verdict: HeaderVerdict, decision: ScanDecision, policy: ScanPolicy): HeaderFindings {
  const { status, rules, format, reasons, analysis } = verdict;
  const admission = admissionOf(decision);
  return {
    status,
    rules,
    format,
    kind: ModelKind.safeParse(analysis?.kind).data ?? 'other',
    reasons: reasons.map((reason) => ({ ...reason })),
    ...(analysis === undefined
      ? {}
      : {
          tensors: analysis.tensorCount,
          parameters: analysis.parameters,
          family: analysis.family,
          dtypes: Object.fromEntries(analysis.dtypes.map(({ dtype, bytes }) => [dtype, bytes])),
          ...(analysis.licence === undefined ? {} : { licence: analysis.licence }),
        }),
    policy: policyDigest(policy),
    ...(admission === undefined ? {} : { admission }),
  };
}

/** Whether other rules or another policy judged. An override stands for the rules that it was given under, whatever the policy. */
export function isStale(
  { scanner, settings }: Pick<IngestDeps, 'scanner' | 'settings'>,
  { rules, policy, admission }: HeaderFindings,
): boolean {
  if (rules !== scanner.rules) return true;
  return admission?.reason !== 'overridden' && policy !== policyDigest(settings.scanPolicy);
}

function admissionOf(decision: ScanDecision): Admission | undefined {
  if (decision.action === 'quarantine') return { serve: false, reason: decision.reason, text: decision.text };
  return decision.reason === 'clean' ? undefined : { serve: true, reason: decision.reason };
}

const QUARANTINE_REASONS: Readonly<
  Record<Extract<ScanDecision, { action: 'quarantine' }>['reason'], Quarantine['reason']>
> = {
  invalid: 'invalid-format',
  malicious: 'malicious',
  suspicious: 'suspicious',
  unscanned: 'unscannable',
  format: 'policy',
  licence: 'policy',
  size: 'policy',
  'override-not-for-this': 'policy',
};

/** Only what may be served goes on; everything else stays where no host reads, with the reason. */
export function quarantineOf(verdict: HeaderVerdict, decision: ScanDecision): Quarantine | undefined {
  if (decision.action === 'serve') return undefined;
  const reason = QUARANTINE_REASONS[decision.reason];
  const [first] = verdict.reasons;
  if (reason === 'policy') return { reason, text: `${decision.reason}: ${decision.text}` };
  return { reason, text: first === undefined ? verdict.status : `${first.rule}: ${first.text}` };
}
