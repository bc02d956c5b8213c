import * as z from 'zod/mini';
import { ModelKind } from '../../shared/ids.ts';
import { EpochMs } from '../../shared/units.ts';

export const VerdictStatus = z.enum(['clean', 'suspicious', 'malicious', 'invalid', 'unscanned']);
export type VerdictStatus = z.infer<typeof VerdictStatus>;

/** What the operators' policy, or an operator by name, made of a verdict. */
export const Admission = z.strictObject({
  serve: z.boolean(),
  /** As `decideScan` names it: `clean`, `suspicious-allowed`, `overridden`, `licence` … */
  reason: z.string(),
  text: z.optional(z.string()),
  /** Who took an override upon themselves, and when. */
  by: z.optional(z.string()),
  at: z.optional(EpochMs),
});
export type Admission = z.infer<typeof Admission>;

/** What the scanner found in a file's header: the judgement and, where the format could be read, its analysis. */
export const HeaderFindings = z.strictObject({
  status: VerdictStatus,
  /** The rule set that judged; a verdict of another rule set is no verdict. */
  rules: z.string(),
  format: z.string(),
  kind: ModelKind,
  reasons: z
    .array(
      z.strictObject({
        rule: z.string(),
        text: z.string(),
        offset: z.optional(z.number()),
        fix: z.optional(z.string()),
      }),
    )
    .check(z.maxLength(50)),
  tensors: z.optional(z.number()),
  parameters: z.optional(z.number()),
  family: z.optional(z.string()),
  dtypes: z.optional(z.record(z.string(), z.number())),
  licence: z.optional(z.string()),
  /** Digest of the policy that decided on the admission. */
  policy: z.optional(z.string()),
  /** Absent where nothing but the verdict decides: then only `clean` is served. */
  admission: z.optional(Admission),
});
export type HeaderFindings = z.infer<typeof HeaderFindings>;

/** Whether a judged file may reach a host, as far as its verdict goes. */
export function isAdmitted(findings: HeaderFindings): boolean {
  return findings.admission?.serve ?? findings.status === 'clean';
}
