import type { StorageClass } from '../shared/ids.ts';
import type { LifecycleRules } from '../shared/tierSettings.ts';
import { LIFECYCLE_RULES } from './lifecycleRules.ts';

/** The lifecycle preset (requirements L1 and L2) as what decides in a plane. */
export interface LifecyclePolicy {
  readonly kind: 'lifecycle';
  readonly version: string;
  readonly rules: LifecycleRules;
  readonly classes: {
    readonly cold: StorageClass;
    /** Where readers were not promised less than its restore takes. */
    readonly archive: StorageClass;
    /** Else. */
    readonly instantArchive: StorageClass;
  };
  /** Whether an operator has allowed that versions are deleted by policy; else their files are archived. */
  readonly expires: boolean;
}

/** The version names everything that the decision depends on: receipts of other settings are not mixed up with it. */
export function lifecyclePolicy(rules: LifecycleRules, expires: boolean): LifecyclePolicy {
  return {
    kind: 'lifecycle',
    version: expires ? `${rules.version}+deletes` : rules.version,
    rules,
    classes: { cold: 'STANDARD_IA', archive: 'GLACIER', instantArchive: 'GLACIER_IR' },
    expires,
  };
}

export const LIFECYCLE: LifecyclePolicy = lifecyclePolicy(LIFECYCLE_RULES, false);
