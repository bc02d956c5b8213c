import type { SweepShard } from '../../events/sweep-shard/v1.ts';
import { sendOnce } from '../catalog/index.ts';
import { endShard, mayExpire } from '../expiry/index.ts';
import { accrueAllowance } from './accrueAllowance.ts';
import { carryOutPage } from './carryOutPage.ts';
import { TieringError } from './errors.ts';
import type { WholeRun } from './moveInRun.ts';
import { addTally, endStage } from './endStage.ts';
import { runInForce } from './policyInForce.ts';
import { analysePage } from './sweepPages.ts';
import { type MoveCounts, reportMoves, type SweepDeps } from './sweepSettings.ts';

/**
 * One page of one stage of a sweep over a shard: the analysis decides about every blob and notes what it has found; warming sets going what
 * makes reads cheaper or faster and asks hosts to hold what is read daily; the lifecycle moves the rest, and has deleted what nobody needs.
 * A stage begins by the write that ends the one before. Per blob that moves there is one pending action and one message in a conditional
 * write on the blob; its action's id is made of the sweep's moment and the digest, so a repeated page sends nothing twice, and a killed one
 * goes on where it was. A dry run only analyses. A blob that cannot be decided about (an unreadable row) leaves the others: the sweep goes on
 * behind its page, and the page fails at the end with `blobs-failed`.
 */
export async function sweepShard(deps: SweepDeps, message: SweepShard): Promise<MoveCounts> {
  const mode = deps.settings.tierSweep;
  if (mode === 'off') return new Map();
  const run = await runInForce(deps, message);
  if (run === undefined) return new Map();
  const analyses = message.stage === 'analysis';
  const page = analyses ? await analysePage(deps, run, message) : await carryOutPage(deps, run, message);
  const { bytes, counts, cursor, failures } = page;
  reportMoves(deps.telemetry, counts, mode);
  const tally = addTally(message.tally, page.tally);
  if (cursor !== undefined) {
    // By where it began: how far a page goes depends on what may still be spent, and only one message goes on behind it.
    const id = [message.sweepId, message.shard, message.stage, 'after', message.cursor ?? ''].join(' ');
    const next = { ...message, cursor, tally, bytes };
    await sendOnce(deps, { scope: 'sweep-shard', id }, { queue: 'sweep', body: next });
  } else {
    if (await endStage(deps, run, { ...message, tally, bytes })) await finish(deps, run, message, bytes);
  }
  if (failures.length > 0) {
    const message = `${failures.length} blobs could not be decided about, the first was ${failures[0]}`;
    throw new TieringError({ code: 'blobs-failed', message, retryable: true });
  }
  return counts;
}

/** When all of a shard has its turn behind it: the account grows, and of the last shard the deletes begin. */
async function finish(deps: SweepDeps, run: WholeRun, message: SweepShard, bytes: number): Promise<void> {
  if (deps.settings.tierSweep === 'on' && run.policy.kind === 'dollars') {
    const { scheduledAt: sweptAt, shard, correlationId } = message;
    await accrueAllowance(deps, { schema: 'accrue-allowance/1', sweptAt, shard, bytes, correlationId });
  }
  if (await mayExpire(deps)) await endShard(deps, run.id, message.shard);
}
