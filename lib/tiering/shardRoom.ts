import { type SweepFinding, type SweepRun, SweepRunRow } from '../catalog/index.ts';
import type { WholeRun } from './moveInRun.ts';
import type { MoveDeps, MoveReason } from './moveRun.ts';
import { type Refusal, reserve, shardLimits } from './sweepBudget.ts';

const REFUSALS: Readonly<Record<Refusal, true>> = {
  'above-budget': true,
  'budget-spent': true,
  'rate-reached': true,
  'ways-home-spent': true,
};

/** Whether a run may set nothing more going that costs what this would. */
export function isRefusal(reason: MoveReason): reason is Refusal {
  return Object.hasOwn(REFUSALS, reason);
}

/** What a shard of a run may still spend, for as long as nothing of it is decided; `decided` says that something was. */
export interface ShardRoom {
  /** Why what was found would be refused; undefined where it fits, or nobody noted what it takes. */
  refuses(finding: SweepFinding): Promise<Refusal | undefined>;
  decided(): void;
}

/**
 * Only spares decisions: what it lets through is reserved in the write that decides. A run only ever spends more, so what it refuses once it
 * refuses for the rest of the run.
 */
export function createShardRoom({ catalog, clock }: MoveDeps, run: WholeRun, shard: number): ShardRoom {
  const begun = { runId: run.id, shard, limits: shardLimits(run, shard) };
  let known: { readonly row: SweepRun | undefined } | undefined;
  return {
    async refuses({ bytes, digest, price }) {
      if (price === undefined) return undefined;
      known ??= { row: (await SweepRunRow.get(catalog, run.id, shard))?.value };
      const reserved = reserve(known.row, { ...begun, now: clock.now() }, { ...price, bytes, digest });
      return reserved.outcome === 'refused' ? reserved.reason : undefined;
    },
    decided() {
      known = undefined;
    },
  };
}
