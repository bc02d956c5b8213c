import * as z from 'zod/mini';
import { ContractError } from '../../lib/shared/errors.ts';
import { PlacementPolicyName } from '../../lib/shared/placementPolicyName.ts';
import { ExpiryMode, SweepMode, TierPolicyName } from '../../lib/shared/sweepMode.ts';
import type { FunctionEnvironment } from '../shared/environment.ts';

const text = z.string().check(z.minLength(1));
/** A decimal number of at least 0, as `String` writes one: what is none would become `NaN`, below which nothing is ever too much. */
const number = z.string().check(z.regex(/^\d{1,20}(\.\d+)?(e[+-]?\d{1,2})?$/));

const Environment = z.object({
  AWS_REGION: text,
  STRATA_BUCKET: text,
  STRATA_TABLE: text,
  STRATA_QUEUE_URL_PREFIX: text,
  STRATA_HOST_DEAD_LETTER_ARN: text,
  STRATA_HOST_ROLE_ARN: text,
  STRATA_AGENT_ROLE_ARNS: text,
  STRATA_COMMAND_SECRET_ARN: text,
  STRATA_MAX_UPLOAD_BYTES: number,
  STRATA_SCAN_POLICY: text,
  STRATA_HEARTBEAT_SECONDS: number,
  STRATA_SILENT_AFTER_MS: number,
  STRATA_COMMAND_TTL_MS: number,
  STRATA_PLACEMENT_POLICY: PlacementPolicyName,
  STRATA_TIER_SWEEP: SweepMode,
  STRATA_TIER_POLICY: TierPolicyName,
  STRATA_TIER_RULES: z.string(),
  STRATA_TIER_PACKING: SweepMode,
  STRATA_PACK_ABOVE_BYTES: number,
  STRATA_PACK_BELOW_RATIO: number,
  STRATA_SWEEP_BUDGET_USD: number,
  STRATA_SWEEP_MOST_MOVES: number,
  STRATA_RESTORE_BUDGET_USD_PER_DAY: number,
  STRATA_RESTORES_PER_HOUR: number,
  STRATA_LIFECYCLE_RULES: z.string(),
  STRATA_LIFECYCLE_DELETES: ExpiryMode,
  STRATA_LIFECYCLE_MOST_DELETES: number,
  STRATA_LIFECYCLE_MOST_DELETE_BYTES: number,
  STRATA_SWEEP_INVENTORY_FROM: number,
  STRATA_SWEEP_STATE_MACHINE_ARN: text,
  STRATA_ORPHAN_SWEEP: SweepMode,
  STRATA_ORPHAN_GRACE_MS: number,
  STRATA_UPLOAD_SWEEP: SweepMode,
  STRATA_UPLOAD_GRACE_MS: number,
  STRATA_REFUSED_KEEP_MS: number,
  STRATA_AUDIT_BUCKET: text,
  STRATA_AUDIT_RETENTION_MS: number,
  STRATA_PRICE_LISTS: z.string(),
  STRATA_PRICE_BOOK: z._default(z.string(), ''),
});
/** What Lambda's environment holds: the region, and exactly the names that `infra/` sets. */
export type AwsEnvironment = FunctionEnvironment & {
  readonly AWS_REGION: string;
  /** The operator's price book as JSON, or empty: the bundle brings it, for an environment holds no more than 4 KB. */
  readonly STRATA_PRICE_BOOK: string;
};

export function parseEnvironment(variables: Readonly<Record<string, string | undefined>>): AwsEnvironment {
  const parsed = Environment.safeParse(variables);
  if (parsed.success) return parsed.data;
  const names = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw new ContractError({
    code: 'invalid-config',
    message: `The function's environment lacks ${names}, or holds what is no value of it. Deploy again: \`npx cdk deploy --all\`.`,
    retryable: false,
    cause: parsed.error,
  });
}
