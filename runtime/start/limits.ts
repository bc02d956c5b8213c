import { EXPIRY_LIMITS } from '../../lib/expiry/index.ts';
import { RESTORE_LIMITS, type RestoreLimits } from '../../lib/restores/index.ts';
import { parseSize } from '../../lib/shared/units.ts';
import { UsageError } from './usageError.ts';

/** What operators allow sweeps and readers at most, by the names that the settings have on AWS. */
export interface Limits extends RestoreLimits {
  readonly sweepBudgetUsd: number;
  readonly sweepMostMoves: number;
  readonly packAboveBytes: number;
  readonly packBelowRatio: number;
  readonly lifecycleMostDeletes: number;
  readonly lifecycleMostDeleteBytes: number;
}

/** The flags with their ranges; those that end in bytes take sizes, too. */
const LIMITS = {
  'sweep-budget-usd': { otherwise: 1_000, most: 1_000_000_000 },
  'sweep-most-moves': { otherwise: 1_000_000, most: 1_000_000_000 },
  'pack-above-bytes': { otherwise: 100_000_000, most: 50_000_000_000_000 },
  'pack-below-percent': { otherwise: 70, most: 100 },
  'lifecycle-most-deletes': { otherwise: EXPIRY_LIMITS.lifecycleMostDeletes, most: 1_000_000 },
  'lifecycle-most-delete-bytes': { otherwise: EXPIRY_LIMITS.lifecycleMostDeleteBytes, most: Number.MAX_SAFE_INTEGER },
  'restore-budget-usd-per-day': { otherwise: RESTORE_LIMITS.restoreBudgetUsdPerDay, most: 1_000_000_000 },
  'restores-per-hour': { otherwise: RESTORE_LIMITS.restoresPerHour, most: 1_000_000_000 },
} as const;
type LimitFlag = keyof typeof LIMITS;

export const LIMIT_OPTIONS = {
  'sweep-budget-usd': { type: 'string' },
  'sweep-most-moves': { type: 'string' },
  'pack-above-bytes': { type: 'string' },
  'pack-below-percent': { type: 'string' },
  'lifecycle-most-deletes': { type: 'string' },
  'lifecycle-most-delete-bytes': { type: 'string' },
  'restore-budget-usd-per-day': { type: 'string' },
  'restores-per-hour': { type: 'string' },
} as const satisfies Record<LimitFlag, { readonly type: 'string' }>;

export const LIMIT_USAGE = `  --sweep-budget-usd N, --sweep-most-moves N
                 dollars and moves that one sweep may set going; default 1000 and 1000000
  --pack-above-bytes SIZE, --pack-below-percent N
                 pack what is larger, and gets smaller than that part of its bytes; default 100MB and 70
  --lifecycle-most-deletes N, --lifecycle-most-delete-bytes SIZE
                 versions, and bytes of them, that one sweep by the lifecycle policy deletes; default 100 and 10TB
  --restore-budget-usd-per-day N, --restores-per-hour N
                 what restores that reads of archived files begin may cost in a day, and how many begin in an hour; default 1000 each
`;

export function limitsOf(values: Readonly<Partial<Record<LimitFlag, string>>>): Limits {
  const limit = (flag: LimitFlag) => limitOf(flag, values[flag]);
  return {
    sweepBudgetUsd: limit('sweep-budget-usd'),
    sweepMostMoves: limit('sweep-most-moves'),
    packAboveBytes: limit('pack-above-bytes'),
    packBelowRatio: limit('pack-below-percent') / 100,
    lifecycleMostDeletes: limit('lifecycle-most-deletes'),
    lifecycleMostDeleteBytes: limit('lifecycle-most-delete-bytes'),
    restoreBudgetUsdPerDay: limit('restore-budget-usd-per-day'),
    restoresPerHour: limit('restores-per-hour'),
  };
}

function limitOf(flag: LimitFlag, text: string | undefined): number {
  const { most, otherwise } = LIMITS[flag];
  if (text === undefined) return otherwise;
  const bytes = flag.endsWith('-bytes') && !/^\d+$/.test(text) ? parseSize(text) : undefined;
  const value = bytes ?? (/^\d+$/.test(text) ? Number(text) : Number.NaN);
  if (Number.isSafeInteger(value) && value <= most) return value;
  const what = flag.endsWith('-bytes') ? 'a size, as 500GB or 450GiB' : 'a whole number';
  throw new UsageError(`--${flag} is ${what}, of at most ${most}.`);
}
