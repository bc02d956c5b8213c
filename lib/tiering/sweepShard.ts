import type { SweepShard } from '../../events/sweep-shard/v1.ts';
import { BlobRow, sendOnce, settle } from '../catalog/index.ts';
import { DOLLARS, TIER_RULES, type TierPolicy } from '../placement/index.ts';
import type { SweepMode, TierPolicyName } from '../shared/sweepMode.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { decideMove, type MoveDeps, type MoveReason, type MoveRun } from './moveBlob.ts';
import { shardLimits } from './sweepBudget.ts';

export interface SweepDeps extends MoveDeps {
  readonly telemetry: Telemetry;
  readonly settings: {
    readonly tierSweep: SweepMode;
    readonly tierPolicy: TierPolicyName;
    readonly sweepBudgetUsd: number;
    readonly sweepMostMoves: number;
  };
}

export const TIER_POLICIES: Readonly<Record<TierPolicyName, TierPolicy>> = { rules: TIER_RULES, dollars: DOLLARS };

const BLOBS_PER_MESSAGE = 50;

/**
 * Decides the storage class of a page of blobs and sends the transitions: per blob one pending action and one message in a
 * conditional write on the blob. Its action's id is made of the sweep's moment and the digest, so a repeated page sends nothing
 * twice, and a killed one goes on where it was. A dry run decides and counts.
 */
export async function sweepShard(deps: SweepDeps, message: SweepShard): Promise<ReadonlyMap<MoveReason, number>> {
  const mode = deps.settings.tierSweep;
  const counts = new Map<MoveReason, number>();
  if (mode === 'off') return counts;
  const page = await deps.catalog.queryIndex('listing', {
    partition: `SWEEP#${message.shard}`,
    limit: BLOBS_PER_MESSAGE,
    ...(message.cursor === undefined ? {} : { cursor: message.cursor }),
  });
  const run = runOf(deps, message);
  for (const item of page.items) {
    const { digest } = BlobRow.parse(item).value;
    const reason = await settle(deps.catalog, `Sweeping ${digest}`, async () => {
      const decided = await decideMove(deps, run, digest);
      return mode === 'dry-run' ? { ...decided, changes: [] } : decided;
    });
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  for (const [reason, count] of counts) deps.telemetry.metric('TierDecided', 'Count', count, { reason, mode });
  if (page.cursor !== undefined) {
    const id = [message.sweepId, message.shard, page.cursor].join(' ');
    await sendOnce(deps, { scope: 'sweep-shard', id }, { queue: 'sweep', body: { ...message, cursor: page.cursor } });
  }
  return counts;
}

function runOf({ settings }: SweepDeps, { scheduledAt, shard, correlationId }: SweepShard): MoveRun {
  const limits = { budgetUsd: settings.sweepBudgetUsd, mostMoves: settings.sweepMostMoves };
  return {
    id: String(scheduledAt),
    shard,
    limits: shardLimits(limits, shard),
    policy: TIER_POLICIES[settings.tierPolicy],
    at: scheduledAt,
    correlationId,
  };
}
