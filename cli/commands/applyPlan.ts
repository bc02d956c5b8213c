import { randomUUID } from 'node:crypto';
import {
  caughtBy,
  chosenAlternative,
  placesOf,
  type Rates,
  type TierFacts,
  type TierMove,
} from '../../lib/placement/index.ts';
import type { Digest, StorageClass } from '../../lib/shared/ids.ts';
import { errorText, StrataError } from '../../lib/shared/errors.ts';
import { TierPolicyName } from '../../lib/shared/sweepMode.ts';
import { type EpochMs, formatUsd, Usd } from '../../lib/shared/units.ts';
import { connect, type PlaneOptions } from '../connection/connect.ts';
import { CliError, FindingsError } from '../errors.ts';
import { note, print } from '../output.ts';
import { confirm } from './mutation.ts';

/** A move that a plan has shown. */
export interface PlannedMove {
  readonly digest: Digest;
  readonly action: TierMove['action'];
  readonly to: StorageClass;
  readonly usd: number;
  /** Why it must not be made: the object is in use and would become dearer or slower to read. */
  readonly caught: string | undefined;
}

export function plannedMove(facts: TierFacts, decision: TierMove, rates: Rates, at: EpochMs): PlannedMove {
  const chosen = chosenAlternative(decision);
  return {
    digest: facts.digest,
    action: decision.action,
    to: decision.to,
    usd: (chosen?.moveUsd ?? 0) + (chosen?.earlyDeletionUsd ?? 0),
    caught: caughtBy(facts, placesOf(decision, facts), rates, at),
  };
}

/** After so many failures from the first move on. */
const GIVE_UP = 5;

interface ApplyOptions extends PlaneOptions {
  readonly inventory?: string;
  readonly policy: string;
  readonly yes?: boolean;
  readonly maxCost: number;
  readonly maxMoves: number;
}

/**
 * Sets the moves of a plan going: all of them or, where one would catch an object in use, none. The plane decides each once more, and
 * refuses what is decided otherwise by then. A move that fails is told and leaves the others; then `FindingsError` is thrown at the end.
 */
export async function applyPlan(moves: readonly PlannedMove[], options: ApplyOptions): Promise<void> {
  if (options.inventory !== undefined) {
    const message = 'An inventory may be old: a plan is applied to what the plane knows. Leave --inventory out.';
    throw new CliError({ code: 'bad-path', message, retryable: false });
  }
  const caught = moves.filter((move) => move.caught !== undefined);
  if (caught.length > 0) {
    for (const { digest, caught: why } of caught.slice(0, 20)) note(`  ${digest.slice(0, 12)} ${why}`);
    note(`BLOCKED: ${caught.length} of the objects are in use; nothing was moved.`);
    throw new FindingsError('objects in use would be caught');
  }
  if (moves.length === 0) return;
  const usd = Usd.parse(moves.reduce((sum, move) => sum + move.usd, 0));
  if (options.yes !== true) {
    await confirm('apply', `Moves ${moves.length} objects for ${formatUsd(usd)}, at most ${options.maxCost} dollars.`);
  }
  const { operations } = await connect(options);
  const limits = { budgetUsd: options.maxCost, mostMoves: options.maxMoves, runId: randomUUID() };
  const policy = TierPolicyName.parse(options.policy);
  const counts = new Map<string, number>();
  const failures: unknown[] = [];
  for (const [index, { action, digest, to }] of moves.entries()) {
    let outcome: string;
    try {
      outcome = (await operations.applyTier({ ...limits, digest, action, to, policy, dryRun: false })).reason;
    } catch (error) {
      outcome = `failed: ${error instanceof StrataError ? error.code : 'internal'}`;
      note(`  ${digest.slice(0, 12)} ${errorText(error)}`);
      failures.push(error);
      // A plane that answers nobody will not answer for the others either.
      if (index + 1 === failures.length && failures.length === GIVE_UP) throw error;
    }
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  print(options, {
    schema: 'strata.applied/v1',
    items: [...counts].map(([reason, objects]) => ({ run: limits.runId, reason, objects })),
    id: ({ reason, objects }) => `${reason} ${objects}`,
    columns: [
      ['OUTCOME', ({ reason }) => reason],
      ['OBJECTS', ({ objects }) => String(objects)],
    ],
  });
  if (options.quiet !== true) note(`What becomes of them: strata sweeps ${limits.runId}`);
  if (failures.length > 0) throw new FindingsError(`${failures.length} moves could not be set going`);
}
