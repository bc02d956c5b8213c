import { Cache, type CacheOutcome } from '../cache.ts';
import type { PolicySpec } from '../createPolicy.ts';
import type { Access } from '../policy.ts';
import { ServingCache } from '../servingCache.ts';
import type { AccessBatch } from './accessBatch.ts';
import { type MissWait, missCost, type Objective, waitSeconds } from './objective.ts';

export interface SimulationPlan {
  readonly policies: readonly PolicySpec[];
  readonly capacitiesBytes: readonly number[];
  readonly objective: Objective;
  readonly wait: MissWait;
  /** Distinct objects of the trace: objects are numbered below this. */
  readonly objects: number;
  readonly seed: number;
  /** Clients read from the cache itself, so that even what the policy refuses has to be stored (`ServingCache`). */
  readonly storesEveryMiss?: boolean;
  /** Position of each access's next use, over the whole trace; needed by offline policies only. */
  readonly nextUse?: Float64Array;
}

/** How one policy did at one size. Ratios are of all accesses, the cold start included. */
export interface PolicyResult {
  readonly policy: string;
  readonly capacityBytes: number;
  readonly objectMissRatio: number;
  readonly byteMissRatio: number;
  readonly waitSeconds: number;
  /** Waited seconds ÷ the seconds if every access missed. */
  readonly waitRatio: number;
  /** Misses that were served without keeping the object. */
  readonly bypasses: number;
}

/** Replays a trace once, batch by batch, through every policy and size at the same time: the trace is never held in memory. */
export class Simulation {
  readonly #lanes: readonly Lane[];
  readonly #total: Tally = { count: 0, bytes: 0, seconds: 0 };
  readonly #wait: MissWait;

  constructor(plan: SimulationPlan) {
    this.#wait = plan.wait;
    this.#lanes = plan.policies.flatMap((spec) =>
      plan.capacitiesBytes.map((capacityBytes) => new Lane(plan, spec, capacityBytes)),
    );
  }

  feed(batch: AccessBatch): void {
    for (const lane of this.#lanes) lane.feed(batch);
    for (let row = 0; row < batch.length; row += 1) count(this.#total, batch.bytes[row] ?? 0, this.#wait);
  }

  /** In the order of the plan: policies, and within each its capacities. */
  results(): readonly PolicyResult[] {
    return this.#lanes.map((lane) => lane.result(this.#total));
  }
}

interface Tally {
  count: number;
  bytes: number;
  seconds: number;
}

function count(tally: Tally, bytes: number, wait: MissWait): void {
  tally.count += 1;
  tally.bytes += bytes;
  tally.seconds += waitSeconds(bytes, wait);
}

/** One policy at one size. The one access object is reused: policies must not keep it. */
class Lane {
  readonly #cache: { readonly policyName: string; access(access: Access): CacheOutcome };
  readonly #plan: SimulationPlan;
  readonly #capacityBytes: number;
  readonly #missed: Tally = { count: 0, bytes: 0, seconds: 0 };
  readonly #access = { object: 0, bytes: 0, missCost: 0, group: 0, nextUse: Number.POSITIVE_INFINITY };
  #bypasses = 0;
  #position = 0;

  constructor(plan: SimulationPlan, spec: PolicySpec, capacityBytes: number) {
    const { objects, seed, storesEveryMiss = false } = plan;
    this.#plan = plan;
    this.#capacityBytes = capacityBytes;
    const policy = spec.create({ capacityBytes, objects, seed });
    const Kind = storesEveryMiss ? ServingCache : Cache;
    this.#cache = new Kind(policy, { capacityBytes, objects });
  }

  feed(batch: AccessBatch): void {
    const { objective, wait, nextUse } = this.#plan;
    const access = this.#access;
    for (let row = 0; row < batch.length; row += 1) {
      const bytes = batch.bytes[row] ?? 0;
      access.object = batch.object[row] ?? 0;
      access.bytes = bytes;
      access.missCost = missCost(objective, bytes, wait);
      access.group = batch.group[row] ?? 0;
      if (nextUse !== undefined) access.nextUse = nextUse[this.#position] ?? Number.POSITIVE_INFINITY;
      this.#position += 1;
      const outcome = this.#cache.access(access);
      if (outcome === 'hit') continue;
      count(this.#missed, bytes, wait);
      if (outcome === 'bypass') this.#bypasses += 1;
    }
  }

  result(total: Tally): PolicyResult {
    return {
      policy: this.#cache.policyName,
      capacityBytes: this.#capacityBytes,
      objectMissRatio: this.#missed.count / total.count,
      byteMissRatio: this.#missed.bytes / total.bytes,
      waitSeconds: this.#missed.seconds,
      waitRatio: this.#missed.seconds / total.seconds,
      bypasses: this.#bypasses,
    };
  }
}
