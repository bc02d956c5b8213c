import { DAY_MS } from '../shared/units.ts';
import type { LifecycleRules } from '../shared/tierSettings.ts';
import { withThresholds } from './thresholds.ts';

/** What the lifecycle preset looks at; times in milliseconds. */
export interface LifecycleFacts {
  readonly bytes: number;
  readonly createdAt: number;
  readonly lastAccessAt?: number | undefined;
  /** Since its creation. */
  readonly accesses: number;
  /** A retention rule, hold or reference forbids the delete. */
  readonly retained: boolean;
  /** Compressed ÷ original, where it was measured. */
  readonly compression?: number | undefined;
}

export const LIFECYCLE_RULES: LifecycleRules = {
  version: 'lifecycle-rules-2',
  deleteAfterIdleDays: 90,
  deleteBelowPerDay: 0.01,
  coldAfterIdleDays: 30,
  coldBelowPerDay: 0.1,
  compressBelowRatio: 0.7,
  compressAboveBytes: 100_000_000,
};

/** Days, reads a day, ratio, bytes. A threshold of nothing would make every object abandoned. */
const RANGES = {
  deleteAfterIdleDays: [1, 36_500],
  deleteBelowPerDay: [0.000001, 1_000],
  coldAfterIdleDays: [1, 36_500],
  coldBelowPerDay: [0.000001, 1_000],
  compressBelowRatio: [0.01, 1],
  compressAboveBytes: [1, Number.MAX_SAFE_INTEGER],
} as const;

/** The preset with other thresholds. Throws `PlacementError` `bad-rules`. */
export function parseLifecycleRules(text: string): LifecycleRules {
  return withThresholds(LIFECYCLE_RULES, RANGES, text);
}

export interface LifecycleJudgement {
  readonly action: 'delete' | 'archive' | 'cold' | 'compress' | 'maintain';
  readonly reason: 'abandoned' | 'abandoned-but-retained' | 'rarely-read' | 'compressible' | 'in-use';
  /** The part of the storage bill that the preset expects to save; what it really saves is for the price book to say. */
  readonly saving: number;
  readonly risk: 'low' | 'none';
}

/** Judges one object by the preset; frequency = accesses ÷ max(1, age in days). The first rule that holds wins. */
export function judgeLifecycle(facts: LifecycleFacts, rules: LifecycleRules, now: number): LifecycleJudgement {
  const ageDays = (now - facts.createdAt) / DAY_MS;
  const idleDays = (now - (facts.lastAccessAt ?? facts.createdAt)) / DAY_MS;
  const perDay = facts.accesses / Math.max(1, ageDays);
  if (idleDays > rules.deleteAfterIdleDays && perDay < rules.deleteBelowPerDay) {
    return facts.retained
      ? { action: 'archive', reason: 'abandoned-but-retained', saving: 0.8, risk: 'low' }
      : { action: 'delete', reason: 'abandoned', saving: 1, risk: 'low' };
  }
  if (idleDays > rules.coldAfterIdleDays && perDay < rules.coldBelowPerDay) {
    return { action: 'cold', reason: 'rarely-read', saving: 0.5, risk: 'low' };
  }
  const ratio = facts.compression ?? 1;
  if (ratio < rules.compressBelowRatio && facts.bytes > rules.compressAboveBytes) {
    return { action: 'compress', reason: 'compressible', saving: 1 - ratio, risk: 'none' };
  }
  return { action: 'maintain', reason: 'in-use', saving: 0, risk: 'none' };
}
