import {
  type Blob,
  BlobRow,
  type Decided,
  expectationOf,
  type Restore,
  RestoreRow,
  RestoreSpendingRow,
  type Versioned,
} from '../catalog/index.ts';
import type { Rates, Waiting } from '../placement/index.ts';
import { ActionId } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import { EpochMs, HOUR_MS, Usd } from '../shared/units.ts';
import { choiceFor, COPY_MS, readyAfter, type RestoreChoice } from './decideRestore.ts';
import { pokePut } from './restoreMessage.ts';
import { isTooDear, type LimitedRestore, type RestoreLimits, takeRestore } from './restoreBudget.ts';
import { heldUpBy, loadLine, MOST_IN_LINE, planLine, sooner } from './restoreLine.ts';
import { recordWaiting, waitingOf } from './restoreReceipt.ts';

export type Queued = { readonly restore: Restore } | { readonly refused: LimitedRestore };

/**
 * The writes that put a reader's wish in line: its row, with the time at which its turn is expected, and the message to who begins it.
 * They touch no row that other readers write, so however many ask at once, nobody loses a race.
 */
export async function queueRestore(
  catalog: CatalogStore,
  blob: Versioned<Blob>,
  row: Versioned<Restore> | undefined,
  wish: Pick<Restore, 'to' | 'correlationId'> & {
    readonly reason: NonNullable<Restore['wantedBy']>;
    readonly waiting: Waiting;
  },
  choice: RestoreChoice,
  limits: RestoreLimits,
  now: EpochMs,
): Promise<Decided<Queued>> {
  const { digest, origin } = blob.value;
  const usd = Usd.parse(choice.chosen.feeUsd);
  const spent = (await RestoreSpendingRow.get(catalog))?.value;
  const line = await loadLine(catalog);
  const withIt = [...line, { digest, askedAt: now, usd }];
  const beginsAt = planLine(spent, withIt, limits, now).get(digest);
  if (beginsAt === undefined || line.length >= MOST_IN_LINE) {
    const taken = takeRestore(spent, usd, limits, now);
    if (taken.outcome === 'refused' && (taken.limit === 'too-dear' || limits.restoresPerHour < 1)) {
      const { outcome: _, ...refused } = taken;
      return { changes: [], answer: { refused } };
    }
    const againAt = EpochMs.parse(now + HOUR_MS);
    const why =
      beginsAt === undefined
        ? { limit: 'line-too-long' as const, heldUpBy: heldUpBy(spent, withIt, digest, limits, now) }
        : { limit: 'line-full' as const };
    return { changes: [], answer: { refused: { ...why, usd, againAt } } };
  }
  const restore: Restore = {
    digest,
    versionId: origin.versionId,
    state: 'queued',
    actionId: ActionId.parse(`restore-${now}-1-${digest}`),
    tier: choice.chosen.tier,
    to: wish.to,
    attempt: 1,
    askedAt: now,
    readyAt: readyAfter(choice.chosen, beginsAt),
    dueAt: EpochMs.parse(now + COPY_MS),
    correlationId: wish.correlationId,
    wantedBy: wish.reason,
    turn: { usd, beginsAt, waiting: recordWaiting(wish.waiting) },
  };
  return {
    changes: [
      RestoreRow.put(restore, expectationOf(row)),
      pokePut(restore, 'queued', now),
      { kind: 'check', key: BlobRow.key(digest), expect: { version: blob.version } },
    ],
    answer: { restore },
  };
}

/**
 * The writes that give one in line a faster tier, for a reader who can wait less than those before; it keeps its turn. None where the faster
 * one is too dear for any day: those before would lose theirs by it.
 */
export function hastenQueued(
  blob: Blob,
  row: Versioned<Restore>,
  waiting: Waiting,
  rates: Rates,
  limits: RestoreLimits,
): { readonly restore: Restore; readonly changes: readonly Change[] } | undefined {
  const { turn } = row.value;
  if (turn === undefined) return undefined;
  const both = sooner(waitingOf(turn), waiting);
  const choice = choiceFor(blob, both, rates);
  if (choice === undefined || choice.chosen.tier === row.value.tier) return undefined;
  const { tier, feeUsd } = choice.chosen;
  if (isTooDear(feeUsd, limits)) return undefined;
  const restore: Restore = {
    ...row.value,
    tier,
    readyAt: readyAfter(choice.chosen, turn.beginsAt),
    turn: { ...turn, usd: Usd.parse(feeUsd), waiting: recordWaiting(both) },
  };
  return { restore, changes: [RestoreRow.put(restore, expectationOf(row))] };
}
