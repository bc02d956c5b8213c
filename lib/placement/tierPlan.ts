import { type EpochMs, Usd } from '../shared/units.ts';
import { placeName, placesOf } from './policyDiff.ts';
import { storedBytes, type TierFacts } from './tierFacts.ts';
import { chosenAlternative, type TierDecision } from './tierTypes.ts';

/** All moves from one place to another; a place is a class, and ` packed` where the bytes lie there packed. */
export interface TierFlow {
  readonly from: string;
  readonly to: string;
  objects: number;
  /** What is stored before and after. */
  bytes: number;
  bytesAfter: number;
  /** Requests, retrieval and work of the moves, and what the classes left behind still charge. */
  moveUsd: number;
  earlyDeletionUsd: number;
  /** What a month of storage and reads costs before and after. */
  usdPerMonthBefore: number;
  usdPerMonthAfter: number;
}

export interface TierPlanSummary {
  readonly objects: number;
  readonly moves: number;
  readonly flows: readonly TierFlow[];
  /** Of the moves, those that pack; none of them loses anything. */
  readonly packs: {
    readonly objects: number;
    readonly savedBytes: number;
    readonly saving: number;
    readonly risk: 'none';
  };
  /** Objects that stay, by reason. */
  readonly kept: Readonly<Record<string, number>>;
  readonly onceUsd: Usd;
  readonly savedUsdPerMonth: Usd;
  /**
   * The minimum-duration ledger: objects that cannot leave their class for free yet, what leaving all of them now would charge, and
   * when the first of them is free.
   */
  readonly bound: { readonly objects: number; readonly liabilityUsd: Usd; readonly firstFreeAt: EpochMs | undefined };
}

/** Adds up decisions one at a time: planning over any number of objects takes the memory of a few sums. */
export class TierPlan {
  private objects = 0;
  private boundObjects = 0;
  private liabilityUsd = 0;
  private firstFreeAt: EpochMs | undefined;
  private packs = 0;
  private plainBytes = 0;
  private packedBytes = 0;
  private readonly flows = new Map<string, TierFlow>();
  private readonly kept = new Map<string, number>();

  add(decision: TierDecision, facts: Pick<TierFacts, 'bytes' | 'packing'>): void {
    this.objects += 1;
    this.bind(decision);
    if (decision.action === 'keep') {
      this.kept.set(decision.reason, (this.kept.get(decision.reason) ?? 0) + 1);
      return;
    }
    const { from, to } = placesOf(decision, facts);
    const flow = this.flow(placeName(from), placeName(to));
    const stays = decision.alternatives.find((one) => one.action === 'keep');
    const moves = chosenAlternative(decision);
    const bytesAfter = (to.packed ? facts.packing?.bytes : undefined) ?? facts.bytes;
    flow.objects += 1;
    flow.bytes += storedBytes(facts);
    flow.bytesAfter += bytesAfter;
    if (decision.action === 'pack') {
      this.packs += 1;
      this.plainBytes += facts.bytes;
      this.packedBytes += bytesAfter;
    }
    flow.moveUsd += moves?.moveUsd ?? 0;
    flow.earlyDeletionUsd += moves?.earlyDeletionUsd ?? 0;
    flow.usdPerMonthBefore += stays?.usdPerMonth ?? 0;
    flow.usdPerMonthAfter += moves?.usdPerMonth ?? 0;
  }

  summary(): TierPlanSummary {
    const flows = [...this.flows.values()].sort((one, other) => other.bytes - one.bytes);
    const sum = (of: (flow: TierFlow) => number): number => flows.reduce((total, flow) => total + of(flow), 0);
    return {
      objects: this.objects,
      moves: sum((flow) => flow.objects),
      flows,
      packs: {
        objects: this.packs,
        savedBytes: this.plainBytes - this.packedBytes,
        saving: this.plainBytes === 0 ? 0 : 1 - this.packedBytes / this.plainBytes,
        risk: 'none',
      },
      kept: Object.fromEntries(this.kept),
      onceUsd: Usd.parse(sum((flow) => flow.moveUsd + flow.earlyDeletionUsd)),
      savedUsdPerMonth: Usd.parse(sum((flow) => flow.usdPerMonthBefore - flow.usdPerMonthAfter)),
      bound: { objects: this.boundObjects, liabilityUsd: Usd.parse(this.liabilityUsd), firstFreeAt: this.firstFreeAt },
    };
  }

  /** What leaving now would charge is the same for every class that the object could go to. */
  private bind(decision: TierDecision): void {
    const liabilityUsd = decision.alternatives.find((one) => one.action !== 'keep')?.earlyDeletionUsd ?? 0;
    if (liabilityUsd <= 0) return;
    this.boundObjects += 1;
    this.liabilityUsd += liabilityUsd;
    if (this.firstFreeAt === undefined || decision.freeMoveAt < this.firstFreeAt)
      this.firstFreeAt = decision.freeMoveAt;
  }

  private flow(from: string, to: string): TierFlow {
    const key = `${from} ${to}`;
    let flow = this.flows.get(key);
    if (flow === undefined) {
      flow = {
        from,
        to,
        objects: 0,
        bytes: 0,
        bytesAfter: 0,
        moveUsd: 0,
        earlyDeletionUsd: 0,
        usdPerMonthBefore: 0,
        usdPerMonthAfter: 0,
      };
      this.flows.set(key, flow);
    }
    return flow;
  }
}
