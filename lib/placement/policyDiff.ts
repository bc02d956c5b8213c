import { DAY_MS, type EpochMs } from '../shared/units.ts';
import { decideTier, type TierPolicy } from './decideTier.ts';
import type { Rates } from './rates.ts';
import type { TierFacts } from './tierFacts.ts';

/** An object that a new policy would make colder although it is in use. */
export interface CaughtObject {
  readonly digest: TierFacts['digest'];
  readonly why: 'read-recently' | 'held';
  readonly before: string;
  readonly after: string;
}

export interface PolicyDiffSummary {
  readonly objects: number;
  /** Objects that would be elsewhere than under the present policy. */
  readonly changed: number;
  readonly colder: number;
  /** Whether the change must not be made: it would catch objects that are in use. */
  readonly blocked: boolean;
  readonly caught: number;
  readonly examples: readonly CaughtObject[];
}

const EXAMPLES = 20;

/**
 * The blast radius of a policy change, one object at a time: where each object would be under both policies. The change is blocked when
 * an object that was read within `recentDays`, or that is leased, pinned, held or being filled, would end in a class that charges
 * reads or delays them, and does not under the present policy. Holds are looked through: they end, the policy stays.
 */
export class PolicyDiff {
  private objects = 0;
  private changed = 0;
  private colder = 0;
  private caught = 0;
  private readonly examples: CaughtObject[] = [];
  private readonly present: TierPolicy;
  private readonly next: TierPolicy;
  private readonly rates: Rates;
  private readonly recentMs: number;

  constructor(present: TierPolicy, next: TierPolicy, rates: Rates, recentDays = RECENT_DAYS) {
    this.present = present;
    this.next = next;
    this.rates = rates;
    this.recentMs = recentDays * DAY_MS;
  }

  add(facts: TierFacts, now: EpochMs): void {
    this.objects += 1;
    const before = this.classUnder(this.present, facts, now);
    const after = this.classUnder(this.next, facts, now);
    if (before === after) return;
    this.changed += 1;
    if (!readsSuffer(before, after, this.rates)) return;
    this.colder += 1;
    const why = caughtBy(facts, { from: before, to: after }, this.rates, now, this.recentMs);
    if (why === undefined) return;
    this.caught += 1;
    if (this.examples.length < EXAMPLES) this.examples.push({ digest: facts.digest, why, before, after });
  }

  summary(): PolicyDiffSummary {
    const { objects, changed, colder, caught, examples } = this;
    return { objects, changed, colder, caught, examples, blocked: caught > 0 };
  }

  private classUnder(policy: TierPolicy, facts: TierFacts, now: EpochMs): string {
    const decision = decideTier({ ...facts, heldBy: undefined }, policy, this.rates, now);
    return decision.action === 'keep' ? decision.from : decision.to;
  }
}

/** An object that was read within so many days is in use. */
const RECENT_DAYS = 7;

/** Why an object that is in use must not go to a class that charges reads or delays them; undefined where nothing speaks against it. */
export function caughtBy(
  facts: TierFacts,
  move: { readonly from: string; readonly to: string },
  rates: Rates,
  now: EpochMs,
  recentMs: number = RECENT_DAYS * DAY_MS,
): CaughtObject['why'] | undefined {
  if (!readsSuffer(move.from, move.to, rates)) return undefined;
  if (facts.heldBy !== undefined) return 'held';
  return facts.lastAccessAt !== undefined && now - facts.lastAccessAt < recentMs ? 'read-recently' : undefined;
}

function readsSuffer(before: string, after: string, rates: Rates): boolean {
  const [from, to] = [rates.of(before), rates.of(after)];
  return (from.instant && !to.instant) || to.retrievalUsdPerByte > from.retrievalUsdPerByte;
}
