import type { SweepShard } from '../../events/sweep-shard/v1.ts';
import { BlobRow, sendOnce, storedBytes } from '../catalog/index.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { MoveDeps, MoveReason } from './moveBlob.ts';
import { accrueAllowance, storedAllAlong } from './accrueAllowance.ts';
import { moveInRun } from './moveInRun.ts';
import { type MoveCounts, reportMoves, scheduledRun, type SweepSettings } from './sweepSettings.ts';

export interface SweepDeps extends MoveDeps {
  readonly telemetry: Telemetry;
  readonly settings: SweepSettings;
}

const BLOBS_PER_MESSAGE = 50;

/**
 * Decides the storage class of a page of blobs and sends the transitions: per blob one pending action and one message in a
 * conditional write on the blob. Its action's id is made of the sweep's moment and the digest, so a repeated page sends nothing
 * twice, and a killed one goes on where it was. A dry run decides and counts.
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
  const run = scheduledRun(deps.settings, message);
  let bytes = message.bytes ?? 0;
  for (const item of page.items) {
    const blob = BlobRow.parse(item).value;
    const { createdAt, digest } = blob;
    if (storedAllAlong(createdAt, message.scheduledAt)) bytes += storedBytes(blob);
    const { reason } = await moveInRun(deps, run, digest);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  reportMoves(deps.telemetry, counts, mode);
  if (page.cursor !== undefined) {
    const id = [message.sweepId, message.shard, page.cursor].join(' ');
    await sendOnce(
      deps,
      { scope: 'sweep-shard', id },
      { queue: 'sweep', body: { ...message, cursor: page.cursor, bytes } },
    );
  } else if (mode === 'on' && run.policy.kind === 'dollars') {
    const { scheduledAt: sweptAt, shard, correlationId } = message;
    await accrueAllowance(deps, { schema: 'accrue-allowance/1', sweptAt, shard, bytes, correlationId });
  }
  return counts;
}
