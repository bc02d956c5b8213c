import type { SweepShard } from '../../events/sweep-shard/v1.ts';
import { BlobRow, type PolicyReach, sendOnce, storedBytes } from '../catalog/index.ts';
import { endShard, mayExpire } from '../expiry/index.ts';
import { errorText, StrataError } from '../shared/errors.ts';
import type { Digest } from '../shared/ids.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { MoveDeps, MoveReason } from './moveBlob.ts';
import { accrueAllowance, storedAllAlong } from './accrueAllowance.ts';
import { TieringError } from './errors.ts';
import { moveInRun } from './moveInRun.ts';
import { changeToLookAt, inForce, noteReach, reachOf } from './policyInForce.ts';
import { type MoveCounts, reportMoves, scheduledRun, type SweepSettings, tierSettings } from './sweepSettings.ts';

export interface SweepDeps extends MoveDeps {
  readonly telemetry: Telemetry;
  readonly settings: SweepSettings;
}

const BLOBS_PER_MESSAGE = 50;

/**
 * Decides the storage class of a page of blobs and sends the transitions: per blob one pending action and one message in a
 * conditional write on the blob. Its action's id is made of the sweep's moment and the digest, so a repeated page sends nothing
 * twice, and a killed one goes on where it was. A dry run decides and counts. A blob that cannot be decided about (an unreadable row) leaves the
 * others: the sweep goes on behind its page, and the page fails at the end with `blobs-failed`.
 */
export async function sweepShard(deps: SweepDeps, message: SweepShard): Promise<MoveCounts> {
  const mode = deps.settings.tierSweep;
  const counts = new Map<MoveReason, number>();
  if (mode === 'off') return counts;
  const page = await deps.catalog.queryIndex('listing', {
    partition: `SWEEP#${message.shard}`,
    limit: BLOBS_PER_MESSAGE,
    ...(message.cursor === undefined ? {} : { cursor: message.cursor }),
  });
  const settings = await inForce(deps.catalog, deps.settings);
  const run = scheduledRun(settings, message);
  let bytes = message.bytes ?? 0;
  const failures: string[] = [];
  const decided: Digest[] = [];
  for (const item of page.items) {
    try {
      const blob = BlobRow.parse(item).value;
      const { reason } = await moveInRun(deps, run, blob.digest);
      if (storedAllAlong(blob.createdAt, message.scheduledAt)) bytes += storedBytes(blob);
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
      decided.push(blob.digest);
    } catch (error) {
      if (isRetryable(error)) throw error;
      deps.telemetry.error('blob not decided', error, { row: item.key.partition });
      failures.push(`${item.key.partition}: ${errorText(error)}`);
    }
  }
  reportMoves(deps.telemetry, counts, mode);
  const reach = await look(deps, settings, message, decided);
  if (page.cursor !== undefined) {
    const id = [message.sweepId, message.shard, page.cursor].join(' ');
    await sendOnce(
      deps,
      { scope: 'sweep-shard', id },
      { queue: 'sweep', body: { ...message, cursor: page.cursor, bytes, ...(reach === undefined ? {} : { reach }) } },
    );
  } else {
    if (reach !== undefined) await noteReach(deps.catalog, message.shard, message.scheduledAt, reach);
    if (mode === 'on' && run.policy.kind === 'dollars') {
      const { scheduledAt: sweptAt, shard, correlationId } = message;
      await accrueAllowance(deps, { schema: 'accrue-allowance/1', sweptAt, shard, bytes, correlationId });
    }
    if (await mayExpire(deps)) await endShard(deps, run.id, message.shard);
  }
  if (failures.length > 0) {
    const message = `${failures.length} blobs could not be decided about, the first was ${failures[0]}`;
    throw new TieringError({ code: 'blobs-failed', message, retryable: true });
  }
  return counts;
}

/** What may succeed when the page comes again holds the page up; what never will must not. */
function isRetryable(error: unknown): boolean {
  return error instanceof StrataError && error.retryable;
}

/** A change of policy is looked at in the sweep that goes before it; what moves in this one moves by the policy in force. */
async function look(
  deps: SweepDeps,
  settings: SweepSettings,
  { shard, scheduledAt, reach }: SweepShard,
  digests: readonly Digest[],
): Promise<PolicyReach | undefined> {
  if (deps.settings.tierSweep !== 'on') return undefined;
  const next = await changeToLookAt(deps.catalog, deps.settings, shard, scheduledAt);
  if (next === undefined) return undefined;
  const present = { policy: settings.tierPolicy, settings: tierSettings(settings) };
  return reachOf(deps, { present, next }, digests, scheduledAt, reach);
}
