import { DAY_MS, type EpochMs } from '../shared/units.ts';
import { decideTier } from './decideTier.ts';
import type { Rates } from './rates.ts';
import { storedBytes, type TierFacts } from './tierFacts.ts';
import type { TierAlternative, TierDecision, TierPolicy } from './tierTypes.ts';

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
  /** What would be elsewhere, the most bytes first. */
  readonly flows: readonly DiffFlow[];
}

/** All objects that lie in one place, and would be in another one by the next policy than by the present one; dollars by the prices of the next. */
export interface DiffFlow {
  readonly from: string;
  readonly before: string;
  readonly after: string;
  objects: number;
  bytes: number;
  /** Of storage and reads of a month in both; absent where the next policy's prices know nothing of the first. */
  usdPerMonthBefore: number | undefined;
  usdPerMonthAfter: number;
  /** Of moving there from where they lie now. */
  onceUsd: number;
}

const EXAMPLES = 20;

/**
 * The blast radius of a policy change, one object at a time: where each object would be under both policies. The change is blocked when
 * an object that was read within `recentDays`, or that is leased, pinned, held or being filled, would end where reads are
 * charged or delayed, or be deleted, and does not under the present policy. Holds are looked through: they end, the policy stays.
 */
export class PolicyDiff {
  private objects = 0;
  private changed = 0;
  private colder = 0;
  private caught = 0;
  private readonly examples: CaughtObject[] = [];
  private readonly flows = new Map<string, DiffFlow>();
  private readonly present: TierPolicy | undefined;
  private readonly next: TierPolicy;
  private readonly rates: Rates;
  private readonly nextRates: Rates;

  /** Without `present` everything stays. `nextRates`: what the next policy decides by, where the prices change with it. */
  constructor(present: TierPolicy | undefined, next: TierPolicy, rates: Rates, nextRates: Rates = rates) {
    this.present = present;
    this.next = next;
    this.rates = rates;
    this.nextRates = nextRates;
  }

  /** `present`: the facts that the present policy looks at, where they differ. */
  add(facts: TierFacts, now: EpochMs, present: TierFacts = facts): void {
    this.objects += 1;
    const before = placeUnder(this.present, present, this.rates, now).place;
    const { place: after, decision } = placeUnder(this.next, facts, this.nextRates, now);
    if (placeName(before) === placeName(after)) return;
    this.changed += 1;
    if (decision !== undefined) this.flow(facts, before, after, decision);
    if (!readsSuffer(before, after, this.nextRates)) return;
    this.colder += 1;
    const why = caughtBy(facts, { from: before, to: after }, this.nextRates, now);
    if (why === undefined) return;
    this.caught += 1;
    if (this.examples.length >= EXAMPLES) return;
    this.examples.push({ digest: facts.digest, why, before: placeName(before), after: placeName(after) });
  }

  summary(): PolicyDiffSummary {
    const { objects, changed, colder, caught, examples } = this;
    const flows = [...this.flows.values()].sort((one, other) => other.bytes - one.bytes);
    return { objects, changed, colder, caught, examples, blocked: caught > 0, flows };
  }

  private flow(facts: TierFacts, before: Place, after: Place, decision: TierDecision): void {
    const lies = liesIn(facts);
    const [from, was, is] = [placeName(lies), placeName(before), placeName(after)];
    const key = `${from} ${was} ${is}`;
    const flow = this.flows.get(key) ?? {
      from,
      before: was,
      after: is,
      objects: 0,
      bytes: 0,
      usdPerMonthBefore: 0,
      usdPerMonthAfter: 0,
      onceUsd: 0,
    };
    const [old, next] = [before, after].map((place) => alternativeAt(place, lies, decision));
    flow.objects += 1;
    flow.bytes += storedBytes(facts);
    const known = flow.usdPerMonthBefore !== undefined && (before.deleted === true || old !== undefined);
    flow.usdPerMonthBefore = known ? (flow.usdPerMonthBefore ?? 0) + (old?.usdPerMonth ?? 0) : undefined;
    flow.usdPerMonthAfter += next?.usdPerMonth ?? 0;
    flow.onceUsd += (next?.moveUsd ?? 0) + (next?.earlyDeletionUsd ?? 0);
    this.flows.set(key, flow);
  }
}

function liesIn({ packing, storageClass }: TierFacts): Place {
  return { storageClass, packed: packing?.packed === true };
}

/** What being there costs by a decision; nothing where it would be deleted. */
function alternativeAt(place: Place, lies: Place, { alternatives }: TierDecision): TierAlternative | undefined {
  if (place.deleted === true) return undefined;
  return alternatives.find(({ action, storageClass }) => {
    const packed = action === 'pack' || (action !== 'unpack' && lies.packed);
    return storageClass === place.storageClass && packed === place.packed;
  });
}

/** Where an object would be, and by which decision; without a policy it stays. */
function placeUnder(
  policy: TierPolicy | undefined,
  facts: TierFacts,
  rates: Rates,
  now: EpochMs,
): { readonly place: Place; readonly decision?: TierDecision } {
  if (policy === undefined) return { place: liesIn(facts) };
  const decision = decideTier({ ...facts, heldBy: undefined }, policy, rates, now);
  const { to } = placesOf(decision, facts);
  const deletes = policy.kind === 'lifecycle' && policy.expires && facts.expiry === 'expires';
  return { decision, place: deletes && decision.reason === 'expires' ? { ...to, deleted: true } : to };
}

/** Where an object lies, and whether packed. */
export interface Place {
  readonly storageClass: string;
  readonly packed: boolean;
  /** With its version, by the policy. */
  readonly deleted?: true;
}

export function placeName({ deleted, packed, storageClass }: Place): string {
  if (deleted === true) return 'deleted';
  return packed ? `${storageClass} packed` : storageClass;
}

/** Where an object lies, and where a decision has it lie. */
export function placesOf(
  decision: TierDecision,
  { packing }: Pick<TierFacts, 'packing'>,
): { readonly from: Place; readonly to: Place } {
  const packed = packing?.packed === true;
  const from = { storageClass: decision.from, packed };
  if (decision.action === 'keep') return { from, to: from };
  const stays = decision.action === 'transition' && packed;
  return { from, to: { storageClass: decision.to, packed: stays || decision.action === 'pack' } };
}

/** An object that was read within so many days is in use. */
const RECENT_DAYS = 7;

/** Why an object that is in use must not go to where reads are charged or delayed; undefined where nothing speaks against it. */
export function caughtBy(
  facts: TierFacts,
  move: { readonly from: Place; readonly to: Place },
  rates: Rates,
  now: EpochMs,
  recentMs: number = RECENT_DAYS * DAY_MS,
): CaughtObject['why'] | undefined {
  if (!readsSuffer(move.from, move.to, rates)) return undefined;
  if (facts.heldBy !== undefined) return 'held';
  return facts.lastAccessAt !== undefined && now - facts.lastAccessAt < recentMs ? 'read-recently' : undefined;
}

/** Whether a decision moves an object to where its reads are cheaper or faster. */
export function warms(decision: TierDecision, facts: Pick<TierFacts, 'packing'>, rates: Rates): boolean {
  const { from, to } = placesOf(decision, facts);
  return decision.action !== 'keep' && readsSuffer(to, from, rates);
}

/**
 * Whether reads are slower there, or as fast and dearer: first by the fastest restore, then by the unpacking, then by what a byte costs.
 */
function readsSuffer(before: Place, after: Place, rates: Rates): boolean {
  if (after.deleted === true || before.deleted === true) return before.deleted !== true;
  const [from, to] = [before, after].map((place) => readingFrom(place, rates));
  const at = from?.findIndex((one, index) => one !== to?.[index]) ?? -1;
  return at >= 0 && (to?.[at] ?? 0) > (from?.[at] ?? 0);
}

function readingFrom({ packed, storageClass }: Place, rates: Rates): readonly number[] {
  const { instant, restores, retrievalUsdPerByte } = rates.of(storageClass);
  const waitMs = instant ? 0 : Math.min(...restores.map((one) => one.waitMs));
  return [waitMs, packed ? 1 : 0, retrievalUsdPerByte];
}
