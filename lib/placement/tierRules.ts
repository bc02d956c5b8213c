import type { TierRules } from '../shared/tierSettings.ts';
import { DAY_MS } from '../shared/units.ts';
import { badRules, withThresholds } from './thresholds.ts';

export type Temperature = 'hot' | 'warm' | 'cold' | 'archive';

/** Why the rules put an object into its temperature. */
export type TemperatureReason =
  | 'new-content'
  | 'read-daily'
  | 'read-weekly'
  | 'young-content'
  | 'old-and-rarely-read'
  | 'archive-age-reached';

/** Requirement T4; `parseTierRules` for other thresholds. */
export const TIER_RULES: TierRules = {
  kind: 'rules',
  version: 'rules-2',
  newContentDays: 7,
  hotPerDay: 1,
  warmPerDay: 0.1,
  warmAgeDays: 365,
  archiveAgeDays: 730,
  classes: { hot: 'STANDARD', warm: 'STANDARD_IA', cold: 'GLACIER_IR', archive: 'GLACIER' },
  packIdleDays: 30,
};

/** Days and reads a day. */
const RANGES = {
  newContentDays: [0, 36_500],
  hotPerDay: [0, 1_000],
  warmPerDay: [0, 1_000],
  warmAgeDays: [0, 36_500],
  archiveAgeDays: [1, 36_500],
  packIdleDays: [7, 36_500],
} as const;

/** The preset with other thresholds, which must keep their order. Throws `PlacementError` `bad-rules`. */
export function parseTierRules(text: string): TierRules {
  const rules = withThresholds(TIER_RULES, RANGES, text);
  const { archiveAgeDays, hotPerDay, newContentDays, warmAgeDays, warmPerDay } = rules;
  if (hotPerDay < warmPerDay) throw badRules(`hotPerDay (${hotPerDay}) must be at least warmPerDay (${warmPerDay}).`);
  if (newContentDays > warmAgeDays || warmAgeDays > archiveAgeDays) {
    const ages = [newContentDays, warmAgeDays, archiveAgeDays].join(', ');
    throw badRules(`newContentDays, warmAgeDays and archiveAgeDays must not fall; they are ${ages}.`);
  }
  return rules;
}

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
