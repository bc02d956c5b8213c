import type { Demotion } from '../../events/command-receipt/v1.ts';

/** What a copy on SSD is worth: what the next use costs with it and without it, and the odds of that use. */
export type CopyFacts = Pick<Demotion, 'missUsd' | 'ssdUsd' | 'useOdds'>;

/** What is known of a blob that is to leave its NVMe volume. */
export interface DemotionFacts extends CopyFacts, Pick<Demotion, 'writeUsd'> {
  /** The worth of what has to leave for it; undefined where it fits on no SSD volume beside what has to stay. */
  readonly displacedUsd: number | undefined;
  /** A process has asked for it; or that is not known, because the agent was started since. */
  readonly asked: boolean;
  readonly originKnown: boolean;
  readonly draining: boolean;
}

export interface DemotionDecision {
  readonly action: 'demote' | 'evict';
  readonly reason: Demotion['reason'];
}

/**
 * Whether a copy on SSD is worth its writing and what has to leave for it: docs/adr/0021. What was fetched ahead and nobody has asked
 * for gives no ground to expect a use; what a miss costs without an origin nobody can say, so it goes where nothing has to leave for it.
 */
export function decideDemotion(facts: DemotionFacts): DemotionDecision {
  const { displacedUsd, writeUsd } = facts;
  if (facts.draining) return { action: 'evict', reason: 'draining' };
  if (!facts.originKnown) return { action: displacedUsd === undefined ? 'evict' : 'demote', reason: 'no-origin' };
  if (displacedUsd === undefined) return { action: 'evict', reason: 'too-large' };
  if (!facts.asked) return { action: 'evict', reason: 'never-asked-for' };
  if (copyUsd(facts) > writeUsd + displacedUsd) return { action: 'demote', reason: 'pays' };
  return { action: 'evict', reason: 'costs-more' };
}

/** Expected dollars that a copy on SSD saves. */
export function copyUsd({ missUsd, ssdUsd, useOdds }: CopyFacts): number {
  return useOdds * Math.max(0, missUsd - ssdUsd);
}

/**
 * The odds of a use while a copy lies on SSD. `odds` are h ÷ (h + d) of a use d accesses away, by the horizon h of NVMe; with SSD below a
 * copy stays as much longer as there are more bytes, and the horizon is k·h: k·o ÷ (k·o + 1 − o).
 */
export function lastingOdds(odds: number, bytes: { readonly nvme: number; readonly ssd: number }): number {
  const longer = bytes.nvme > 0 ? 1 + bytes.ssd / bytes.nvme : 1;
  // Rounding may pass one.
  return Math.min(1, (longer * odds) / (longer * odds + 1 - odds));
}

/** Of the copies, those of least worth per byte that free `bytes` together, none without need; undefined where all do not suffice. */
export function chooseDisplaced<Copy extends { readonly bytes: number; readonly usd: number }>(
  copies: readonly Copy[],
  bytes: number,
): readonly Copy[] | undefined {
  const chosen: Copy[] = [];
  let left = bytes;
  const freeing = copies.filter((copy) => copy.bytes > 0);
  for (const copy of freeing.toSorted((one, other) => one.usd / one.bytes - other.usd / other.bytes)) {
    if (left <= 0) break;
    chosen.push(copy);
    left -= copy.bytes;
  }
  if (left > 0) return undefined;
  const dearestFirst = chosen.toSorted((one, other) => other.usd - one.usd);
  const spared = new Set<Copy>();
  for (const copy of dearestFirst) {
    if (left + copy.bytes > 0) continue;
    left += copy.bytes;
    spared.add(copy);
  }
  return chosen.filter((copy) => !spared.has(copy));
}
