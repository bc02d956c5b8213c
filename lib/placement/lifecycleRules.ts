import { DAY_MS } from '../shared/units.ts';
import { PlacementError } from './errors.ts';

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

/** The thresholds of the lifecycle preset. */
export interface LifecycleRules {
  readonly version: string;
  readonly deleteAfterIdleDays: number;
  readonly deleteBelowPerDay: number;
  readonly coldAfterIdleDays: number;
  readonly coldBelowPerDay: number;
  readonly compressBelowRatio: number;
  readonly compressAboveBytes: number;
}

export const LIFECYCLE_RULES: LifecycleRules = {
  version: 'lifecycle-rules-1',
  deleteAfterIdleDays: 90,
  deleteBelowPerDay: 0.01,
  coldAfterIdleDays: 30,
  coldBelowPerDay: 0.1,
  compressBelowRatio: 0.7,
  compressAboveBytes: 100_000_000,
};

/** The most that each threshold may be; ratio, rates, days, bytes. */
const MOST = {
  deleteAfterIdleDays: 36_500,
  deleteBelowPerDay: 1_000,
  coldAfterIdleDays: 36_500,
  coldBelowPerDay: 1_000,
  compressBelowRatio: 1,
  compressAboveBytes: Number.MAX_SAFE_INTEGER,
} as const;
type Threshold = keyof typeof MOST;

/**
 * The preset with other thresholds, from a text such as `deleteAfterIdleDays=180,coldAfterIdleDays=60`; its version names them. Throws
 * `PlacementError` `bad-rules`.
 */
export function parseLifecycleRules(text: string): LifecycleRules {
  const others = new Map<Threshold, number>();
  for (const part of text.split(',').filter((one) => one !== '')) {
    const [name = '', number = ''] = part.split('=');
    const value = Number(number);
    if (!isThreshold(name) || number === '' || !(value > 0 && value <= MOST[name])) throw badRules(part);
    others.set(name, value);
  }
  if (others.size === 0) return LIFECYCLE_RULES;
  const sorted = [...others].sort(([one], [other]) => (one < other ? -1 : 1));
  const version = `${LIFECYCLE_RULES.version}(${sorted.map((pair) => pair.join('=')).join(',')})`;
  return { ...LIFECYCLE_RULES, ...Object.fromEntries(sorted), version };
}

function isThreshold(name: string): name is Threshold {
  return Object.hasOwn(MOST, name);
}

function badRules(part: string): PlacementError {
  const names = Object.entries(MOST).map(([name, most]) => `${name} (at most ${most})`);
  const message = `\`${part}\` is no threshold of the lifecycle preset. Write name=number,… with ${names.join(', ')}.`;
  return new PlacementError({ code: 'bad-rules', message, retryable: false });
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
