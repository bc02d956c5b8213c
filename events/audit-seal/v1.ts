import * as z from 'zod/mini';
import { CorrelationId } from '../../lib/shared/ids.ts';
import { EpochMs } from '../../lib/shared/units.ts';

/** Lower-case hex. */
const Sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/));
/** Counted from 1, without a gap. */
const Ordinal = z.number().check(z.int(), z.positive());

/**
 * One change of what is thought of an object. Never changed and never removed: `previous` is the SHA-256 of the object's entry before it
 * (64 zeros for the first one), over its canonical JSON, so that an object's entries are a chain.
 *
 * `judged`: got its first verdict, or that of other rules. `quarantined`: was refused. `rescanned`: in quarantine or published, was
 * judged again. `set-aside`: its verdict counts no longer, since the rules changed before it was published. `released`: an operator
 * has it published. `published`: its verdict became that of its blob. `withdrawn`, `restored`: a published version may no longer be
 * served, or may again.
 */
export const AuditEntry = z.strictObject({
  schema: z.literal('audit-entry/1'),
  /** Whose history it belongs to: an uploaded key, `blobs/<digest>`, or a published `<model>@<version>`. */
  object: z.string().check(z.minLength(1), z.maxLength(1100)),
  number: Ordinal,
  previous: Sha256,
  at: EpochMs,
  action: z.enum(['judged', 'quarantined', 'rescanned', 'set-aside', 'released', 'published', 'withdrawn', 'restored']),
  /** The step of the plane that did it, or the operator by name. */
  by: z.strictObject({ kind: z.enum(['plane', 'operator']), name: z.string().check(z.minLength(1)) }),
  /** Why it was refused, withdrawn or released, as a code; and in words, an operator's own ones for a release. */
  reason: z.optional(z.string()),
  text: z.optional(z.string()),
  /** What the scanner said and what the policy made of it, as it stands after this entry. */
  verdict: z.optional(
    z.strictObject({
      status: z.string(),
      /** Version and digest of the rule set. */
      rules: z.string(),
      /** Digest of the policy. */
      policy: z.optional(z.string()),
      /** Ids of the rules that were broken, in the order of the report. */
      reasons: z.array(z.string()).check(z.maxLength(50)),
      serve: z.boolean(),
      /** SHA-256 over the canonical JSON of everything that the catalog keeps of the verdict. */
      findings: Sha256,
    }),
  ),
  /** The very bytes that were judged; absent for a published version, whose files have histories of their own. */
  bytes: z.optional(
    z.strictObject({
      key: z.string(),
      versionId: z.string(),
      size: z.number().check(z.int(), z.nonnegative()),
      etag: z.optional(z.string()),
      digest: z.optional(z.string()),
    }),
  ),
  correlationId: CorrelationId,
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/**
 * Locked in the audit bucket as `seals/<number, 12 digits>.json`, in canonical JSON: entries that no seal before it holds, each object's
 * in their order. `previous` is the SHA-256 of the seal before it (64 zeros for the first one).
 */
export const AuditSeal = z.strictObject({
  schema: z.literal('audit-seal/1'),
  number: Ordinal,
  previous: Sha256,
  sealedAt: EpochMs,
  entries: z.array(AuditEntry).check(z.minLength(1)),
});
export type AuditSeal = z.infer<typeof AuditSeal>;
