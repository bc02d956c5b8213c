import type { StorageClass } from '../shared/ids.ts';
import { DAY_MS } from '../shared/units.ts';

export type Temperature = 'hot' | 'warm' | 'cold' | 'archive';

/** Why the rules put an object into its temperature. */
export type TemperatureReason =
  | 'new-content'
  | 'read-daily'
  | 'read-weekly'
  | 'young-content'
  | 'old-and-rarely-read'
  | 'archive-age-reached';

/**
 * The rule preset, in order; the first that holds wins:
 *
 * 1. hot: the object is younger than `newContentDays` (new content starts hot and has no velocity yet);
 * 2. hot: at least `hotPerDay` accesses a day, over the last 30 days;
 * 3. warm: at least `warmPerDay`;
 * 4. warm: younger than `warmAgeDays`;
 * 5. archive: older than `archiveAgeDays` and not read within `warmAgeDays`;
 * 6. cold.
 */
export interface TierRules {
  readonly kind: 'rules';
  readonly version: string;
  readonly newContentDays: number;
  readonly hotPerDay: number;
  readonly warmPerDay: number;
  readonly warmAgeDays: number;
  readonly archiveAgeDays: number;
  readonly classes: Readonly<Record<Temperature, StorageClass>>;
  /** What was not read for so long may be packed, within `PackTerms` and the guards of every policy (`plainReason`). */
  readonly packIdleDays: number;
}

export const TIER_RULES: TierRules = {
  kind: 'rules',
  version: 'rules-1',
  newContentDays: 7,
  hotPerDay: 1,
  warmPerDay: 0.1,
  warmAgeDays: 365,
  archiveAgeDays: 730,
  classes: { hot: 'STANDARD', warm: 'STANDARD_IA', cold: 'GLACIER_IR', archive: 'GLACIER' },
  packIdleDays: 30,
};

/** What the rules look at; times in milliseconds. */
export interface TemperatureFacts {
  readonly createdAt: number;
  readonly lastAccessAt?: number | undefined;
  readonly accessesLast30Days: number;
}

/** The temperature of an object at `now`. A clock that runs backwards makes objects younger, never older. */
export function temperature(
  facts: TemperatureFacts,
  rules: TierRules,
  now: number,
): { readonly temperature: Temperature; readonly reason: TemperatureReason } {
  const ageDays = (now - facts.createdAt) / DAY_MS;
  const idleDays = (now - (facts.lastAccessAt ?? facts.createdAt)) / DAY_MS;
  const perDay = facts.accessesLast30Days / 30;
  if (ageDays < rules.newContentDays) return { temperature: 'hot', reason: 'new-content' };
  if (perDay >= rules.hotPerDay) return { temperature: 'hot', reason: 'read-daily' };
  if (perDay >= rules.warmPerDay) return { temperature: 'warm', reason: 'read-weekly' };
  if (ageDays < rules.warmAgeDays) return { temperature: 'warm', reason: 'young-content' };
  if (ageDays >= rules.archiveAgeDays && idleDays >= rules.warmAgeDays) {
    return { temperature: 'archive', reason: 'archive-age-reached' };
  }
  return { temperature: 'cold', reason: 'old-and-rarely-read' };
}
