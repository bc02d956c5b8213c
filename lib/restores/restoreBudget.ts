import { expectationOf, type RestoreSpending, RestoreSpendingRow } from '../catalog/index.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs, HOUR_MS, Usd } from '../shared/units.ts';

/** What restores that readers ask for may cost in a day, in dollars, and how many may begin in an hour, both of UTC. */
export interface RestoreLimits {
  readonly restoreBudgetUsdPerDay: number;
  readonly restoresPerHour: number;
}

/** What ships: about 100 TB of standard restores from GLACIER a day. */
export const RESTORE_LIMITS: RestoreLimits = { restoreBudgetUsdPerDay: 1_000, restoresPerHour: 1_000 };

/**
 * Why none begins. `too-dear`: it alone costs more than a whole day may. `line-full`: as many wait as may. `line-too-long`: of those before,
 * so many can begin only that its turn would not come within a week.
 */
export type RestoreLimit = 'budget-spent' | 'rate-reached' | 'too-dear' | 'line-full' | 'line-too-long';

/** The settings to raise; `either`: each of them alone brings the turn within a week. */
export interface HeldUpBy {
  readonly settings: readonly (keyof RestoreLimits)[];
  readonly either: boolean;
}

export interface LimitedRestore {
  readonly limit: RestoreLimit;
  /** Its fee. */
  readonly usd: Usd;
  /** From then on there is more; of what is too dear nobody knows. */
  readonly againAt?: EpochMs;
  /** Of `line-too-long`: what keeps its turn away. */
  readonly heldUpBy?: HeldUpBy;
}

export type RestoreTaking =
  | { readonly outcome: 'taken'; readonly spending: RestoreSpending }
  | ({ readonly outcome: 'refused' } & LimitedRestore);

/** Whether it alone costs more than a whole day may. */
export function isTooDear(fee: number, { restoreBudgetUsdPerDay }: RestoreLimits): boolean {
  return fee > restoreBudgetUsdPerDay;
}

/** Takes a restore out of what may be spent now. */
export function takeRestore(
  spent: RestoreSpending | undefined,
  fee: number,
  limits: RestoreLimits,
  now: EpochMs,
): RestoreTaking {
  const spending = withRestore(spent, fee, now);
  const { day, hour, usd, restores } = spending;
  const refused = { outcome: 'refused', usd: Usd.parse(fee) } as const;
  if (isTooDear(fee, limits)) return { ...refused, limit: 'too-dear' };
  if (usd > limits.restoreBudgetUsdPerDay) {
    return { ...refused, limit: 'budget-spent', againAt: EpochMs.parse(day + DAY_MS) };
  }
  if (restores > limits.restoresPerHour) {
    return { ...refused, limit: 'rate-reached', againAt: EpochMs.parse(hour + HOUR_MS) };
  }
  return { outcome: 'taken', spending };
}

/** A clock that goes back begins no day anew. */
function withRestore(spent: RestoreSpending | undefined, fee: number, now: EpochMs): RestoreSpending {
  const day = EpochMs.parse(Math.max(spent?.day ?? 0, now - (now % DAY_MS)));
  const hour = EpochMs.parse(Math.max(spent?.hour ?? 0, now - (now % HOUR_MS)));
  return {
    day,
    hour,
    usd: Usd.parse((spent?.day === day ? spent.usd : 0) + fee),
    restores: (spent?.hour === hour ? spent.restores : 0) + 1,
  };
}

/** The write that counts a restore which nobody limits, for the write that begins it. */
export async function countRestore(catalog: CatalogStore, fee: number, now: EpochMs): Promise<readonly Change[]> {
  const row = await RestoreSpendingRow.get(catalog);
  return [RestoreSpendingRow.put(withRestore(row?.value, fee, now), expectationOf(row))];
}

/** The same for one that readers ask for, or why it does not begin. */
export async function spend(
  catalog: CatalogStore,
  fee: number,
  limits: RestoreLimits | undefined,
  now: EpochMs,
): Promise<{ readonly changes: readonly Change[] } | { readonly refused: LimitedRestore }> {
  if (limits === undefined) return { changes: await countRestore(catalog, fee, now) };
  const row = await RestoreSpendingRow.get(catalog);
  const taken = takeRestore(row?.value, fee, limits, now);
  if (taken.outcome === 'taken') return { changes: [RestoreSpendingRow.put(taken.spending, expectationOf(row))] };
  const { outcome: _, ...refused } = taken;
  return { refused };
}
