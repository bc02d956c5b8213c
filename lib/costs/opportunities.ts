import {
  caughtBy,
  chooseRestore,
  chosenAlternative,
  placeName,
  placesOf,
  type Rates,
  type TierDecision,
  type TierFacts,
  type TierMove,
  unpackWaitMs,
} from '../placement/index.ts';
import type { StorageClass } from '../shared/ids.ts';
import { type EpochMs, formatUsd, HOUR_MS, MINUTE_MS, Usd } from '../shared/units.ts';
import type { RetiredVersion } from './retiredVersions.ts';
import type { StoredCopy, StoredObject } from './storedObject.ts';

/**
 * `lifecycle` and `compression`: moves and packing that the policy decides now, whether or not a sweep is on. `deduplication`: bytes that lie twice, under
 * `uploads/` and under `blobs/`, and those that content addressing has spared already. `replaced-copies`: what transitions have left.
 * `retired`, `superseded`: versions (`RetiredVersion`).
 */
export type OpportunityKind =
  | 'lifecycle'
  | 'deduplication'
  | 'replaced-copies'
  | 'compression'
  | 'retired'
  | 'superseded';

/** Something that would make the bill smaller. */
export interface Opportunity {
  readonly kind: OpportunityKind;
  /** Two classes, a version, or in words. */
  readonly what: string;
  readonly objects: number;
  readonly bytes: number;
  readonly savedUsdPerMonth: Usd;
  /** Requests, retrieval and early deletion. */
  readonly onceUsd: Usd;
  readonly risk: 'low' | 'medium' | 'high';
  readonly riskText: string;
  /** The longest that a read waits for a restore afterwards; 0 where reads are answered at once. */
  readonly waitMs: number;
  readonly latency: string;
  /** Absent where it happens by itself, or nothing executes it yet; `riskText` says which. */
  readonly command?: string;
  /** Whether the total counts it: opportunities that are about the same bytes as others are left out of it. */
  readonly counted: boolean;
}

export interface OpportunitySummary {
  /** The largest saving first; each saves more than nothing. */
  readonly opportunities: readonly Opportunity[];
  /** What the policy does, or could be done, that saves nothing a month: kinds of it, not objects. */
  readonly saveNothing: number;
  readonly savedUsdPerMonth: Usd;
  readonly onceUsd: Usd;
  /** What versions share is stored once: bytes and dollars a month that one copy for each version would take more. */
  readonly deduplicated: { readonly bytes: number; readonly usdPerMonth: Usd };
}

const AT_ONCE = 'none: reads are answered at once';

interface Sums {
  objects: number;
  bytes: number;
  usd: number;
}

interface Flow extends Sums {
  readonly what: string;
  readonly action: TierMove['action'];
  readonly from: StorageClass;
  readonly to: StorageClass;
  onceUsd: number;
  caught: number;
  riskUsd: number;
  chargesReads: boolean;
  waitMs: number;
}

/** Adds up what is stored, decided and retired, one at a time; keeps sums, and the `most` versions that save most. */
export class Opportunities {
  private readonly policy: string;
  private readonly most: number;
  private readonly flows = new Map<string, Flow>();
  private readonly uploaded = noSums();
  private readonly replaced = noSums();
  private readonly compressible = noSums();
  private readonly shared = noSums();
  private versions: RetiredVersion[] = [];

  constructor(policy: string, most: number) {
    this.policy = policy;
    this.most = most;
  }

  addObject(object: StoredObject): void {
    for (const copy of object.copies) {
      if (copy.kind === 'uploaded') addTo(this.uploaded, copy.bytes, copy.storageUsd);
      if (copy.kind === 'replaced') addTo(this.replaced, copy.bytes, copy.storageUsd);
      if (copy.kind === 'origin') this.addOrigin(object, copy);
    }
  }

  addDecision(decision: TierDecision, facts: TierFacts, rates: Rates, now: EpochMs): void {
    if (decision.action === 'keep') return;
    const stays = decision.alternatives.find((one) => one.action === 'keep');
    const moves = chosenAlternative(decision);
    const places = placesOf(decision, facts);
    const flow = this.flow(decision, `${placeName(places.from)} → ${placeName(places.to)}`);
    addTo(flow, facts.bytes, (stays?.usdPerMonth ?? 0) - (moves?.usdPerMonth ?? 0));
    flow.onceUsd += (moves?.moveUsd ?? 0) + (moves?.earlyDeletionUsd ?? 0);
    flow.riskUsd += Math.max(0, decision.riskUsd ?? 0);
    if (caughtBy(facts, places, rates, now) !== undefined) flow.caught += 1;
    const to = rates.of(decision.to);
    flow.chargesReads ||= to.retrievalUsdPerByte > 0;
    const { bytes, packing } = facts;
    const unpackMs = places.to.packed && packing !== undefined ? unpackWaitMs(bytes, packing.terms) : 0;
    const waiting = { toleranceMs: facts.restoreToleranceMs ?? Number.POSITIVE_INFINITY, usdPerMs: 0 };
    const restoreMs = to.instant ? 0 : (chooseRestore(to, bytes, waiting)?.waitMs ?? 0);
    flow.waitMs = Math.max(flow.waitMs, restoreMs + unpackMs);
  }

  addVersion(version: RetiredVersion): void {
    this.versions.push(version);
    if (this.versions.length >= 2 * this.most) this.versions = this.best();
  }

  summary(): OpportunitySummary {
    const found = [
      ...[...this.flows.values()].map((flow) => ofFlow(flow, this.policy)),
      ...ofSums(this.shared, SHARED),
      ...ofSums(this.uploaded, UPLOADED),
      ...ofSums(this.replaced, REPLACED),
      ...ofSums(this.compressible, COMPRESSIBLE),
      ...this.best().map(ofVersion),
    ];
    const opportunities = found
      .filter((one) => one.savedUsdPerMonth > 0)
      .sort((one, other) => other.savedUsdPerMonth - one.savedUsdPerMonth);
    const counted = opportunities.filter((one) => one.counted);
    return {
      opportunities,
      saveNothing: found.length - opportunities.length,
      savedUsdPerMonth: Usd.parse(counted.reduce((sum, one) => sum + one.savedUsdPerMonth, 0)),
      onceUsd: Usd.parse(counted.reduce((sum, one) => sum + one.onceUsd, 0)),
      deduplicated: { bytes: this.shared.bytes, usdPerMonth: Usd.parse(this.shared.usd) },
    };
  }

  private addOrigin(object: StoredObject, copy: StoredCopy): void {
    const others = object.references - 1;
    if (others > 0) addTo(this.shared, copy.bytes * others, copy.storageUsd * others);
    const plain = copy.bytes === object.bytes;
    if (!plain || object.ratio === undefined || object.ratio >= HARDLY_SMALLER || object.reads > 0) return;
    addTo(this.compressible, copy.bytes, copy.storageUsd * (1 - object.ratio));
  }

  private best(): RetiredVersion[] {
    return this.versions.sort((one, other) => other.savedUsdPerMonth - one.savedUsdPerMonth).slice(0, this.most);
  }

  private flow({ action, from, to }: TierMove, what: string): Flow {
    let flow = this.flows.get(what);
    if (flow === undefined) {
      flow = { ...noSums(), what, action, from, to, onceUsd: 0, caught: 0, riskUsd: 0, chargesReads: false, waitMs: 0 };
      this.flows.set(what, flow);
    }
    return flow;
  }
}

/** Bytes that hardly get smaller are not worth unpacking at every read. */
const HARDLY_SMALLER = 0.95;
type Told = Pick<Opportunity, 'kind' | 'what' | 'riskText'> & Partial<Pick<Opportunity, 'latency' | 'counted'>>;

/** What is saved already: it is told beside what could be, and adds nothing to that. */
const SHARED: Told = {
  kind: 'deduplication',
  what: 'bytes that several versions name, stored once',
  riskText: 'saved already: bytes are named by their digest, and are deleted when the last version that names them is',
  counted: false,
};
const UPLOADED: Told = {
  kind: 'deduplication',
  what: 'published bytes that also lie under uploads/',
  riskText: 'happens by itself, 7 days after the publication, unless the setting uploadSweep is off',
};
const REPLACED: Told = {
  kind: 'replaced-copies',
  what: 'copies that transitions have replaced',
  riskText: 'happens by itself, a quarter of an hour after each move, when nothing reads them any more',
};
const COMPRESSIBLE: Told = {
  kind: 'compression',
  what: 'byte planes and zstd, of what nobody read for 30 days',
  riskText:
    'an estimate from samples, without the dollars of packing; nothing packs stored origins by this figure alone',
  latency: 'a read takes as long as the slower of fetching and unpacking',
  counted: false,
};

function noSums(): Sums {
  return { objects: 0, bytes: 0, usd: 0 };
}

function addTo(sums: Sums, bytes: number, usd: number): void {
  sums.objects += 1;
  sums.bytes += bytes;
  sums.usd += usd;
}

function ofFlow(flow: Flow, policy: string): Opportunity {
  const { action, bytes, from, objects, onceUsd, to, usd, waitMs, what } = flow;
  // Above what is shown here by a little: prices of a class run with the clock.
  const most = Math.max(0.01, Math.ceil(onceUsd * 110) / 100);
  const only = action === 'transition' ? '' : ` --action ${action}`;
  return {
    kind: action === 'pack' ? 'compression' : 'lifecycle',
    what,
    objects,
    bytes,
    savedUsdPerMonth: Usd.parse(usd),
    onceUsd: Usd.parse(onceUsd),
    ...riskOf(flow),
    waitMs,
    latency: waitMs === 0 ? AT_ONCE : `a read waits up to ${waitText(waitMs)} for its restore`,
    command: `strata plan --policy ${policy} --from ${from} --to ${to}${only} --apply --max-cost ${most} --max-moves ${objects}`,
    counted: true,
  };
}

function waitText(ms: number): string {
  return ms < HOUR_MS ? `${Math.ceil(ms / MINUTE_MS)} min` : `${+(ms / HOUR_MS).toFixed(2)} h`;
}

function riskOf({ caught, chargesReads, objects, riskUsd, waitMs }: Flow): Pick<Opportunity, 'risk' | 'riskText'> {
  if (caught > 0) {
    return { risk: 'high', riskText: `${caught} of ${objects} are in use, and the plan is refused while they are` };
  }
  if (riskUsd > 0) {
    const lost = formatUsd(Usd.parse(riskUsd));
    return { risk: 'medium', riskText: `if the forecast is wrong, up to ${lost} more than Intelligent-Tiering` };
  }
  if (waitMs > 0) return { risk: 'medium', riskText: 'reads need a restore' };
  if (chargesReads) return { risk: 'medium', riskText: 'reads are charged by the byte' };
  return { risk: 'low', riskText: 'reads cost no more than before' };
}

function ofSums({ bytes, objects, usd }: Sums, told: Told): readonly Opportunity[] {
  if (objects === 0) return [];
  const sums = { objects, bytes, savedUsdPerMonth: Usd.parse(usd), onceUsd: Usd.parse(0) };
  return [{ ...sums, risk: 'low', waitMs: 0, latency: AT_ONCE, counted: true, ...told }];
}

function ofVersion(one: RetiredVersion): Opportunity {
  const name = `${one.model}@${one.version}`;
  const { bytes, files, onceUsd, savedUsdPerMonth, state } = one;
  const sums = { kind: state, what: name, objects: files, bytes, savedUsdPerMonth, onceUsd, waitMs: 0, counted: false };
  return state === 'retired'
    ? {
        ...sums,
        risk: 'medium',
        riskText: 'can be undone for 7 days, then its bytes are gone',
        latency: 'it cannot be read any more',
        command: `strata rm ${name}`,
      }
    : {
        ...sums,
        risk: 'medium',
        riskText: '`latest` and ranges pass over it; the dollar policy then moves it to where reads are charged',
        latency: AT_ONCE,
        command: `strata deprecate ${name}`,
      };
}
