import { parseLifecycleRules, parseTierRules } from '../../lib/placement/index.ts';
import { parseDecidingBook } from '../../lib/pricing/index.ts';
import { parseScanPolicy } from '../../lib/scanning/index.ts';
import type { PlacementPolicyName } from '../../lib/shared/placementPolicyName.ts';
import { errorText } from '../../lib/shared/errors.ts';
import type { ExpiryMode, SweepMode, TierPolicyName } from '../../lib/shared/sweepMode.ts';

/** The variables that `infra/` gives every function. A name that one side forgets fails the type check of the other. */
export interface FunctionEnvironment {
  readonly STRATA_BUCKET: string;
  readonly STRATA_TABLE: string;
  /** What stands before a queue's logical name in its URL. */
  readonly STRATA_QUEUE_URL_PREFIX: string;
  readonly STRATA_HOST_DEAD_LETTER_ARN: string;
  readonly STRATA_HOST_ROLE_ARN: string;
  /** Separated by commas. */
  readonly STRATA_AGENT_ROLE_ARNS: string;
  readonly STRATA_COMMAND_SECRET_ARN: string;
  readonly STRATA_MAX_UPLOAD_BYTES: string;
  /** JSON. */
  readonly STRATA_SCAN_POLICY: string;
  readonly STRATA_HEARTBEAT_SECONDS: string;
  readonly STRATA_SILENT_AFTER_MS: string;
  readonly STRATA_COMMAND_TTL_MS: string;
  readonly STRATA_PLACEMENT_POLICY: PlacementPolicyName;
  readonly STRATA_TIER_SWEEP: SweepMode;
  readonly STRATA_TIER_POLICY: TierPolicyName;
  /** Thresholds of the rule preset that differ. */
  readonly STRATA_TIER_RULES: string;
  readonly STRATA_TIER_PACKING: SweepMode;
  readonly STRATA_PACK_ABOVE_BYTES: string;
  readonly STRATA_PACK_BELOW_RATIO: string;
  readonly STRATA_SWEEP_BUDGET_USD: string;
  readonly STRATA_SWEEP_MOST_MOVES: string;
  readonly STRATA_RESTORE_BUDGET_USD_PER_DAY: string;
  readonly STRATA_RESTORES_PER_HOUR: string;
  readonly STRATA_LIFECYCLE_RULES: string;
  readonly STRATA_LIFECYCLE_DELETES: ExpiryMode;
  readonly STRATA_LIFECYCLE_MOST_DELETES: string;
  readonly STRATA_LIFECYCLE_MOST_DELETE_BYTES: string;
  readonly STRATA_SWEEP_INVENTORY_FROM: string;
  readonly STRATA_SWEEP_STATE_MACHINE_ARN: string;
  readonly STRATA_ORPHAN_SWEEP: SweepMode;
  readonly STRATA_ORPHAN_GRACE_MS: string;
  readonly STRATA_UPLOAD_SWEEP: SweepMode;
  readonly STRATA_UPLOAD_GRACE_MS: string;
  readonly STRATA_REFUSED_KEEP_MS: string;
  readonly STRATA_AUDIT_BUCKET: string;
  readonly STRATA_AUDIT_RETENTION_MS: string;
  /** An `https://` origin; empty where prices are not read from the network. */
  readonly STRATA_PRICE_LISTS: string;
}

const PARSERS = {
  STRATA_SCAN_POLICY: parseScanPolicy,
  STRATA_TIER_RULES: parseTierRules,
  STRATA_LIFECYCLE_RULES: parseLifecycleRules,
} as const;

/** The JSON of a book that may decide, in one form. Throws `PricingError`. */
export function decidingBookJson(text: string): string {
  return JSON.stringify(parseDecidingBook(JSON.parse(text)));
}

/** Why functions would not start with such a value; undefined where they would. A deployment asks before it breaks any. */
export function whyRefused(variable: keyof typeof PARSERS, text: string): string | undefined {
  try {
    PARSERS[variable](text);
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}
