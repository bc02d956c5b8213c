import * as z from 'zod/mini';
import { ModelKind } from '../../shared/ids.ts';

export const VerdictStatus = z.enum(['clean', 'suspicious', 'malicious', 'invalid', 'unscanned']);
export type VerdictStatus = z.infer<typeof VerdictStatus>;

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
});
export type HeaderFindings = z.infer<typeof HeaderFindings>;
