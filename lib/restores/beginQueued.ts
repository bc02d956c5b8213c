import {
  BlobRow,
  type Decided,
  expectationOf,
  type Restore,
  RestoreRow,
  RestoreSpendingRow,
  settle,
  type Versioned,
} from '../catalog/index.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs, MINUTE_MS, Usd } from '../shared/units.ts';
import { type AskDeps, restoreChanges } from './askRestore.ts';
import { choiceFor, LOOK_AGAIN_MS } from './decideRestore.ts';
import { isTooDear, type RestoreLimits, takeRestore } from './restoreBudget.ts';
import { type InLine, inOrder, loadLine, planLine } from './restoreLine.ts';
import { waitingOf } from './restoreReceipt.ts';

/** Four writes each, of the hundred that one transaction takes. */
const MOST_AT_ONCE = 20;

/** `begin`: it has begun. `queued`: its turn comes later. `forget`: it is too dear now for any day. */
export type LineAnswer = 'begin' | 'queued' | 'forget' | 'overtaken';

/**
 * Begins what is next in line, as far as readers may spend on it, until this one has begun or its turn comes later; then its row says when.
 * One write begins up to twenty and counts them, so that calls for many of them do each other's work. Throws `CatalogError` `contended`
 * (retryable) after ten lost races.
 */
export async function beginQueued(
  deps: AskDeps & { readonly settings: RestoreLimits },
  mine: Restore,
): Promise<LineAnswer> {
  for (;;) {
    const answer = await settle(deps.catalog, 'Beginning what is in line', () => beginNext(deps, mine));
    if (answer !== 'others') return answer;
  }
}

async function beginNext(
  deps: AskDeps & { readonly settings: RestoreLimits },
  { digest, actionId }: Restore,
): Promise<Decided<LineAnswer | 'others'>> {
  const { catalog, clock, settings } = deps;
  const row = await RestoreRow.get(catalog, digest);
  if (row?.value.actionId !== actionId || row.value.turn === undefined) return { changes: [], answer: 'overtaken' };
  const { askedAt } = row.value;
  const turn = { ...row.value.turn, usd: (await feeNow(deps, row.value, row.value.turn)) ?? row.value.turn.usd };
  const now = clock.now();
  const spending = await RestoreSpendingRow.get(catalog);
  const others = (await loadLine(catalog)).filter((one) => one.digest !== digest);
  const line = [...others, { digest, askedAt, usd: turn.usd }].toSorted(inOrder);
  const changes: Change[] = [];
  let spent = spending?.value;
  let begun = 0;
  let mine = false;
  for (const each of line) {
    if (takeRestore(spent, each.usd, settings, now).outcome === 'refused') continue;
    const one = await beginOne(deps, each.digest);
    const taken = one === undefined ? undefined : takeRestore(spent, one.usd, settings, now);
    if (one === undefined || taken?.outcome !== 'taken') continue;
    spent = taken.spending;
    changes.push(...one.changes);
    mine ||= each.digest === digest;
    begun += 1;
    if (begun === MOST_AT_ONCE) break;
  }
  if (spent !== undefined && begun > 0) {
    changes.push(RestoreSpendingRow.put(spent, expectationOf(spending)));
    return { changes, answer: mine ? 'begin' : 'others' };
  }
  return later(row, turn, planLine(spent, line, settings, now).get(digest), settings, now);
}

/** What its restore costs by the prices of today. Undefined where its bytes are gone, or can be read as they lie. */
async function feeNow(
  { catalog, rates }: AskDeps,
  { digest }: Restore,
  turn: NonNullable<Restore['turn']>,
): Promise<Usd | undefined> {
  const blob = await BlobRow.get(catalog, digest);
  const choice = blob === undefined ? undefined : choiceFor(blob.value, waitingOf(turn), rates);
  return choice === undefined ? undefined : Usd.parse(choice.chosen.feeUsd);
}

/** Its row as it is now: the index lags. Undefined where it has begun, or nobody can begin it. */
async function beginOne(
  deps: AskDeps,
  digest: InLine['digest'],
): Promise<{ readonly usd: number; readonly changes: readonly Change[] } | undefined> {
  const row = await RestoreRow.get(deps.catalog, digest);
  const blob = await BlobRow.get(deps.catalog, digest);
  const turn = row?.value.turn;
  if (row === undefined || turn === undefined || blob?.value.origin.versionId !== row.value.versionId) return undefined;
  const waiting = waitingOf(turn);
  const choice = choiceFor(blob.value, waiting, deps.rates);
  if (choice === undefined) return undefined;
  const { to, correlationId, attempt, wantedBy = 'read' } = row.value;
  const { tier, feeUsd: usd } = choice.chosen;
  const asking = { to, correlationId, wantedBy, reason: wantedBy, attempt, tier, choice, waiting };
  return { usd, changes: restoreChanges(deps, blob, row, asking).changes };
}

/** Readers are told when its turn comes, which has its fee by the prices of today; the index lags and limits change, so somebody looks again meanwhile. */
function later(
  row: Versioned<Restore>,
  turn: NonNullable<Restore['turn']>,
  beginsAt: EpochMs | undefined,
  limits: RestoreLimits,
  now: EpochMs,
): Decided<LineAnswer> {
  if (isTooDear(turn.usd, limits) || limits.restoresPerHour < 1) {
    const key = RestoreRow.key(row.value.digest);
    return { changes: [{ kind: 'delete', key, expect: { version: row.version } }], answer: 'forget' };
  }
  // Nothing is told of a turn that is out of sight but that it is not today.
  const at = beginsAt ?? EpochMs.parse(now + DAY_MS);
  const readyAt = EpochMs.parse(row.value.readyAt + at - turn.beginsAt);
  const dueAt = EpochMs.parse(Math.min(Math.max(at, now + MINUTE_MS), now + LOOK_AGAIN_MS));
  const restore: Restore = { ...row.value, readyAt, dueAt, turn: { ...turn, beginsAt: at } };
  return { changes: [RestoreRow.put(restore, expectationOf(row))], answer: 'queued' };
}
