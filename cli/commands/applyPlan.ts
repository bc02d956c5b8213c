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
import { formatCount } from '../../lib/shared/formatCount.ts';
import { type EpochMs, formatUsd, Usd } from '../../lib/shared/units.ts';
import { divideLimits } from '../../lib/tiering/index.ts';
import type { OperationOutput } from '../../lib/operations/index.ts';
import { connect, type PlaneOptions } from '../connection/connect.ts';
import { CliError, FindingsError } from '../errors.ts';
import { note, print } from '../output.ts';
import { sendMoves } from '../plan/sendMoves.ts';
import { showMoves } from '../progress.ts';
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

interface ApplyOptions extends PlaneOptions {
  readonly inventory?: string;
  readonly policy: string;
  readonly yes?: boolean;
  readonly maxCost: number;
  readonly maxMoves: number;
  /** One that was interrupted and goes on. */
  readonly run?: string;
}

/**
 * Sets the moves of a plan going: all of them or, where one would catch an object in use, none. The plane decides each once more, and
 * refuses what is decided otherwise by then. A move that fails is told and leaves the others; then `FindingsError` is thrown at the end.
 * The limits are divided among the catalog's shards and written down before the first move is sent, so that moves of all shards are sent at
 * once and never go above them; a run that was interrupted goes on within what it began with, and the plane sends nothing of it twice.
 * A run that nobody has begun is `no-plan`.
 */
export async function applyPlan(moves: readonly PlannedMove[], options: ApplyOptions): Promise<void> {
  if (options.inventory !== undefined) {
    const message = 'An inventory may be old: a plan is applied to what the plane knows. Leave --inventory out.';
    throw new CliError({ code: 'bad-path', message, retryable: false });
  }
  const caught = moves.filter((move) => move.caught !== undefined);
  // Of a run that has begun the others go on: the plane refuses what is in use by now.
  if (caught.length > 0 && options.run === undefined) {
    for (const { digest, caught: why } of caught.slice(0, 20)) note(`  ${digest.slice(0, 12)} ${why}`);
    note(`BLOCKED: ${caught.length} of the objects are in use; nothing was moved.`);
    throw new FindingsError('objects in use would be caught');
  }
  if (moves.length === 0) return;
  const usd = Usd.parse(moves.reduce((sum, move) => sum + move.usd, 0));
  if (options.yes !== true) {
    await confirm(
      'apply',
      `Moves ${formatCount(moves.length, 'object')} for ${formatUsd(usd)}, at most ${options.maxCost} dollars.`,
    );
  }
  const { operations } = await connect(options);
  const limits = { budgetUsd: options.maxCost, mostMoves: options.maxMoves };
  const { fit, shards } = divideLimits(moves, limits);
  const runId = options.run ?? randomUUID();
  const goesOn = options.run === undefined ? {} : { goesOn: true };
  const begun = (await operations.beginPlan({ runId, shards: [...shards], ...goesOn })).items;
  if (options.quiet !== true) note(options.run === undefined ? `Run ${runId}` : goesOnText(runId, begun));
  const sending = options.run === undefined ? fit : moves;
  const policy = TierPolicyName.parse(options.policy);
  const failures: unknown[] = [];
  const progress = showMoves(sending.length, options.json === true);
  let sent = 0;
  const interrupted = (): void =>
    note(`Stopped after ${sent} of ${sending.length}. Go on: the same command with --run ${runId}`);
  process.once('exit', interrupted);
  try {
    const counts = await sendMoves(
      sending,
      async ({ action, digest, to }) =>
        (await operations.applyTier({ ...limits, runId, digest, action, to, policy, dryRun: false })).reason,
      {
        sent() {
          sent += 1;
          progress.add(1);
        },
        failed({ digest }, error) {
          note(`  ${digest.slice(0, 12)} ${errorText(error)}`);
          failures.push(error);
          return `failed: ${error instanceof StrataError ? error.code : 'internal'}`;
        },
      },
    );
    progress.end();
    tell(options, runId, counts, moves.length - sending.length);
  } finally {
    process.off('exit', interrupted);
  }
  if (failures.length > 0) throw new FindingsError(`${formatCount(failures.length, 'move')} could not be set going`);
}

function tell(options: ApplyOptions, runId: string, counts: ReadonlyMap<string, number>, beyond: number): void {
  const outcomes = [...counts, ...(beyond === 0 ? [] : [['beyond-limits', beyond] as const])];
  print(options, {
    schema: 'strata.applied/v1',
    items: outcomes.map(([reason, objects]) => ({ run: runId, reason, objects })).sort(byReason),
    id: ({ reason, objects }) => `${reason} ${objects}`,
    columns: [
      ['OUTCOME', ({ reason }) => reason],
      ['OBJECTS', ({ objects }) => String(objects)],
    ],
  });
  if (options.quiet !== true) note(`What becomes of them: strata sweeps ${runId}`);
}

const byReason = (one: { readonly reason: string }, other: { readonly reason: string }): number =>
  one.reason < other.reason ? -1 : 1;

/** What an interrupted run has done, and what it may still do. */
function goesOnText(runId: string, begun: OperationOutput<'beginPlan'>['items']): string {
  const sum = (of: 'moves' | 'mostMoves' | 'reservedUsd' | 'budgetUsd'): number =>
    begun.reduce((total, one) => total + one[of], 0);
  const [spent, budget] = [Usd.parse(sum('reservedUsd')), Usd.parse(sum('budgetUsd'))];
  return `Run ${runId} goes on: ${sum('moves')} of at most ${sum('mostMoves')} moves sent, ${formatUsd(spent)} of ${formatUsd(budget)} reserved`;
}
