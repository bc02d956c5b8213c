/** What is known of a blob that is to leave its NVMe volume. */
export interface DemotionFacts {
  readonly size: number;
  /** A process has asked for it; or that is not known, because the agent was started since. */
  readonly asked: boolean;
  /** Whether it can be fetched again from where it came. */
  readonly refetchable: boolean;
  readonly draining: boolean;
  readonly largestTargetBytes: number;
}

export interface DemotionDecision {
  readonly action: 'demote' | 'evict';
  readonly reason: 'asked-for' | 'no-origin' | 'never-asked-for' | 'too-large' | 'draining';
}

/**
 * Whether a copy on SSD is worth its writing. Reading it back from there is several times faster than from the origin and costs no
 * request and no transfer, so it pays as soon as another access is to be expected; a blob that was fetched ahead and that nobody
 * has asked for gives no ground for that, and would only wear the drive.
 */
export function decideDemotion(facts: DemotionFacts): DemotionDecision {
  if (facts.draining) return { action: 'evict', reason: 'draining' };
  if (facts.size > facts.largestTargetBytes) return { action: 'evict', reason: 'too-large' };
  if (!facts.refetchable) return { action: 'demote', reason: 'no-origin' };
  return facts.asked ? { action: 'demote', reason: 'asked-for' } : { action: 'evict', reason: 'never-asked-for' };
}
