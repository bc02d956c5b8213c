import { type Restore, RestoreRow, type RestoreSpending } from '../catalog/index.ts';
import type { Waiting } from '../placement/index.ts';
import { ContractError } from '../shared/errors.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore, Item } from '../shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs, HOUR_MS } from '../shared/units.ts';
import type { HeldUpBy, RestoreLimits } from './restoreBudget.ts';

/** A wish of a reader that waits for its turn. */
export type InLine = Pick<Restore, 'digest' | 'askedAt'> & { readonly usd: number };

/** So many wait at most; who comes then is refused. */
export const MOST_IN_LINE = 1_000;
/** Nobody is promised a turn later than so many days. */
const MOST_DAYS = 7;

/**
 * When the turn of each comes, by digest: in the order of asking, as many an hour and for as many dollars a day as readers may spend. What is
 * dearer than what is left of a day waits for the next one, where it comes first, and lets others go before it: nobody waits for ever.
 * Nothing of what is too dear for any day, or is not reached within a week.
 */
export function planLine(
  spent: RestoreSpending | undefined,
  line: readonly InLine[],
  { restoreBudgetUsdPerDay: mostUsd, restoresPerHour }: RestoreLimits,
  now: EpochMs,
): ReadonlyMap<Digest, EpochMs> {
  const turns = new Map<Digest, EpochMs>();
  if (restoresPerHour < 1) return turns;
  // As the budget counts them: a clock that goes back begins no day anew.
  const today = Math.max(spent?.day ?? 0, now - (now % DAY_MS));
  const thisHour = Math.max(spent?.hour ?? 0, now - (now % HOUR_MS));
  let waiting = line.filter(({ usd }) => usd <= mostUsd).toSorted(inOrder);
  for (let day = today; day <= today + MOST_DAYS * DAY_MS && waiting.length > 0; day += DAY_MS) {
    let hour = day === today ? thisHour : day;
    let usd = day === spent?.day ? spent.usd : 0;
    let begun = hour === spent?.hour ? spent.restores : 0;
    waiting = waiting.filter((one) => {
      if (usd + one.usd > mostUsd) return true;
      if (begun >= restoresPerHour) {
        hour += HOUR_MS;
        begun = 0;
      }
      if (hour >= day + DAY_MS) return true;
      usd += one.usd;
      begun += 1;
      turns.set(one.digest, EpochMs.parse(hour === thisHour ? now : hour));
      return false;
    });
  }
  return turns;
}

const LIMITS = ['restoreBudgetUsdPerDay', 'restoresPerHour'] as const;

/** Which limits keep the turn of one in line away for more than a week: those without which it would come, or both where it takes both. */
export function heldUpBy(
  spent: RestoreSpending | undefined,
  line: readonly InLine[],
  digest: Digest,
  limits: RestoreLimits,
  now: EpochMs,
): HeldUpBy {
  const settings = LIMITS.filter((name) =>
    planLine(spent, line, { ...limits, [name]: Number.MAX_SAFE_INTEGER }, now).has(digest),
  );
  return { settings: settings.length === 0 ? LIMITS : settings, either: settings.length > 1 };
}

export function inOrder(one: InLine, other: InLine): number {
  return one.askedAt - other.askedAt || (one.digest < other.digest ? -1 : 1);
}

/**
 * Who waits, in order, as the index has it: it lags, so whoever begins one reads its row again. A row that nobody can read holds up no other:
 * the schedule tells of it.
 */
export async function loadLine(catalog: CatalogStore): Promise<readonly InLine[]> {
  const { items } = await catalog.queryIndex('listing', { partition: 'RESTORELINE', limit: MOST_IN_LINE });
  return items.flatMap(inLine);
}

function inLine(item: Item): readonly InLine[] {
  try {
    const { digest, askedAt, turn } = RestoreRow.parse(item).value;
    return turn === undefined ? [] : [{ digest, askedAt, usd: turn.usd }];
  } catch (error) {
    if (error instanceof ContractError) return [];
    throw error;
  }
}

/** Who of them can wait least decides for all. */
export function sooner(one: Waiting, other: Waiting): Waiting {
  return {
    toleranceMs: Math.min(one.toleranceMs, other.toleranceMs),
    usdPerMs: Math.max(one.usdPerMs, other.usdPerMs),
  };
}
