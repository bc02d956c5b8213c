import { errorText } from '../shared/errors.ts';
import { blobDigestOf } from '../shared/digest.ts';
import type { CorrelationId, Digest } from '../shared/ids.ts';
import type { EpochMs } from '../shared/units.ts';
import { storedAllAlong } from './accrueAllowance.ts';
import { noteSweptBytes } from './accrueInventory.ts';
import { TieringError } from './errors.ts';
import type { MoveReason } from './moveRun.ts';
import { decideInRun, moveInRun } from './moveInRun.ts';
import { runInForce } from './policyInForce.ts';
import { type MoveCounts, reportMoves } from './sweepSettings.ts';
import type { SweepDeps } from './sweepSettings.ts';

/** How many blobs of a batch are read and decided about at once. */
const READ_AT_ONCE = 16;

/** A row of an inventory. */
export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  /** When these bytes were written in their present class. */
  readonly since: EpochMs;
}

/**
 * Decides about the blobs that rows of an inventory name. An inventory is a day old: it only says which blobs there are, everything
 * that is decided on is read from the catalog now. Keys of other objects are passed over. What stays is only read, many at a time;
 * what moves is decided once more and written one after another, since moves of a shard share a row. A blob that fails
 * stops no other; then the batch fails at the end (`blobs-failed`), and when it comes again nothing is sent twice. The bytes of a batch
 * that did not fail count for the dollars account.
 */
export async function sweepInventory(
  deps: SweepDeps,
  batch: { readonly scheduledAt: EpochMs; readonly correlationId: CorrelationId },
  objects: readonly ListedObject[],
): Promise<MoveCounts> {
  const mode = deps.settings.tierSweep;
  const counts = new Map<MoveReason, number>();
  if (mode === 'off') return counts;
  const run = await runInForce(deps, batch);
  if (run === undefined) return counts;
  const count = (reason: MoveReason): void => void counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const failures: string[] = [];
  const orFail = async (digest: Digest, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      deps.telemetry.error('blob not decided', error, { digest });
      failures.push(`${digest}: ${errorText(error)}`);
    }
  };
  const sizes = new Map<Digest, number>();
  for (const { bytes, key, since } of objects) {
    const digest = blobDigestOf(key);
    if (digest !== undefined) sizes.set(digest, storedAllAlong(since, batch.scheduledAt) ? bytes : 0);
  }
  const waiting = [...sizes.keys()];
  const known = new Set(waiting);
  const moving: Digest[] = [];
  const reader = async (): Promise<void> => {
    for (let digest = waiting.shift(); digest !== undefined; digest = waiting.shift()) {
      const one = digest;
      await orFail(one, async () => {
        const decided = await decideInRun(deps, run, one);
        if (decided.answer === 'unknown-blob') known.delete(one);
        if (decided.changes.length > 0) moving.push(one);
        else count(decided.answer);
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(READ_AT_ONCE, waiting.length) }, reader));
  const later: Digest[] = [];
  // A batch is what a shard is elsewhere: what makes reads cheaper or faster goes before all other moves of it.
  for (const digest of moving.sort()) {
    await orFail(digest, async () => {
      const { reason } = await moveInRun(deps, { ...run, warmsOnly: true }, digest);
      if (reason === 'not-warming') later.push(digest);
      else count(reason);
    });
  }
  for (const digest of later) await orFail(digest, async () => count((await moveInRun(deps, run, digest)).reason));
  reportMoves(deps.telemetry, counts, mode);
  if (failures.length > 0) {
    const message = `${failures.length} blobs could not be decided about, the first was ${failures[0]}`;
    throw new TieringError({ code: 'blobs-failed', message, retryable: true });
  }
  if (mode === 'on' && run.policy.kind === 'dollars') await noteSweptBytes(deps, batch.scheduledAt, sizes, known);
  return counts;
}
