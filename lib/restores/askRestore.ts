import type { RestoreBlob } from '../../events/restore-blob/v1.ts';
import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  type Decided,
  expectationOf,
  outboxPut,
  recordedInputs,
  type Restore,
  RestoreRow,
  settle,
  storedBytes,
  type Versioned,
} from '../catalog/index.ts';
import type { Rates, Waiting } from '../placement/index.ts';
import { ActionId, type CorrelationId, type Digest, type StorageClass } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { EpochMs, Usd } from '../shared/units.ts';
import { ACTION_TTL_MS, choiceFor, COPY_MS, readyAfter, type RestoreChoice } from './decideRestore.ts';
import { hastenChanges } from './hastenRestore.ts';
import { hastenQueued, queueRestore } from './queueRestore.ts';
import { countRestore, type LimitedRestore, type RestoreLimits, spend } from './restoreBudget.ts';
import { sooner } from './restoreLine.ts';
import { recordRestore, recordWaiting, waitingOf } from './restoreReceipt.ts';

export interface AskDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly rates: Rates;
}

export interface RestoreWish {
  readonly digest: Digest;
  /** The class that the bytes are copied to when they can be read. */
  readonly to: StorageClass;
  readonly waiting: Waiting;
  /** Who wants it: a host that reads, or an operator. */
  readonly reason: 'read' | 'operator';
  readonly correlationId: CorrelationId;
  /** What readers may set going; an operator's own wish is counted and never refused. */
  readonly limits: RestoreLimits | undefined;
  readonly dryRun?: boolean;
}

/** What came of a wish; `usd` is the fee of the restore, or of making the known one faster. */
export interface AskedRestore {
  readonly restore: Restore;
  readonly usd: Usd;
  readonly known: boolean;
}

export type RestoreAsking =
  | ({ readonly outcome: 'asked' } & AskedRestore)
  /** Nothing was begun, and nothing waits in line. */
  | ({ readonly outcome: 'refused' } & LimitedRestore);

/**
 * Begins to bring an archived blob back, for a reader by putting it in line, or answers the restore that is under way, made faster where it is
 * too slow for this wish and what may be spent suffices. What an operator wants overtakes the line. Undefined where the blob can be read as it
 * lies, or is not there.
 */
export async function askRestore(deps: AskDeps, wish: RestoreWish): Promise<RestoreAsking | undefined> {
  const { catalog } = deps;
  return settle(catalog, `Restoring ${wish.digest}`, async (): Promise<Asked> => {
    const blob = await BlobRow.get(catalog, wish.digest);
    const row = await RestoreRow.get(catalog, wish.digest);
    if (blob === undefined) return { changes: [], answer: undefined };
    const known = row?.value.versionId === blob.value.origin.versionId ? row : undefined;
    const decided =
      known !== undefined && (known.value.turn === undefined || wish.limits !== undefined)
        ? await askKnown(deps, blob, known, wish)
        : await askAnew(deps, blob, row, known?.value.turn, wish);
    return wish.dryRun === true ? { ...decided, changes: [] } : decided;
  });
}

type Asked = Decided<RestoreAsking | undefined>;

/** What is under way, or in line. */
async function askKnown(
  deps: AskDeps,
  blob: Versioned<Blob>,
  row: Versioned<Restore>,
  { waiting, limits }: RestoreWish,
): Promise<Asked> {
  const waitOn = { outcome: 'asked', restore: row.value, usd: Usd.parse(0), known: true } as const;
  if (row.value.turn !== undefined && limits !== undefined) {
    const hastened = hastenQueued(blob.value, row, waiting, deps.rates, limits);
    if (hastened === undefined) return { changes: [], answer: waitOn };
    return { changes: hastened.changes, answer: { ...waitOn, restore: hastened.restore } };
  }
  const now = deps.clock.now();
  const faster = hastenChanges(deps, blob, row, waiting, now);
  if (faster === undefined) return { changes: [], answer: waitOn };
  const paid = await spend(deps.catalog, faster.usd, limits, now);
  if ('refused' in paid) return { changes: [], answer: waitOn };
  const { restore, usd } = faster;
  return { changes: [...faster.changes, ...paid.changes], answer: { ...waitOn, restore, usd: Usd.parse(usd) } };
}

/** Of what readers wait for in line already, whoever can wait least decides. */
async function askAnew(
  deps: AskDeps,
  blob: Versioned<Blob>,
  row: Versioned<Restore> | undefined,
  turn: Restore['turn'],
  wish: RestoreWish,
): Promise<Asked> {
  const { catalog, clock, rates } = deps;
  const waiting = turn === undefined ? wish.waiting : sooner(waitingOf(turn), wish.waiting);
  const choice = choiceFor(blob.value, waiting, rates);
  if (choice === undefined) return { changes: [], answer: undefined };
  const usd = Usd.parse(choice.chosen.feeUsd);
  const now = clock.now();
  if (wish.limits !== undefined) {
    const { changes, answer } = await queueRestore(catalog, blob, row, wish, choice, wish.limits, now);
    if ('refused' in answer) return { changes, answer: { outcome: 'refused', ...answer.refused } };
    return { changes, answer: { outcome: 'asked', ...answer, usd, known: false } };
  }
  const asking = { ...wish, waiting, wantedBy: wish.reason, attempt: 1, choice, tier: choice.chosen.tier };
  const { restore, changes } = restoreChanges(deps, blob, row, asking);
  const counted = await countRestore(catalog, usd, now);
  return { changes: [...changes, ...counted], answer: { outcome: 'asked', restore, usd, known: false } };
}

/** The writes that begin a restore for a move which nobody waits for; undefined where the blob can be read as it lies. */
export function restoreForMove(
  deps: AskDeps,
  blob: Versioned<Blob>,
  row: Versioned<Restore> | undefined,
  wish: Pick<RestoreWish, 'to' | 'correlationId'> & { readonly reason: string },
): { readonly usd: number; readonly changes: readonly Change[] } | undefined {
  const waiting = { toleranceMs: Number.POSITIVE_INFINITY, usdPerMs: 0 };
  const choice = choiceFor(blob.value, waiting, deps.rates);
  if (choice === undefined) return undefined;
  const asking = { ...wish, attempt: 1, tier: choice.chosen.tier, choice, waiting };
  return { usd: choice.chosen.feeUsd, changes: restoreChanges(deps, blob, row, asking).changes };
}

export interface Asking extends Pick<RestoreWish, 'to' | 'correlationId'> {
  /** Absent where a move asks. */
  readonly wantedBy?: Restore['wantedBy'];
  /** Absent where an earlier choice is asked for once more. */
  readonly waiting?: Waiting;
  readonly reason: string;
  readonly attempt: number;
  readonly tier: Restore['tier'];
  readonly choice: RestoreChoice;
}

/** The writes that ask for a restore: its row, its decision with the dollars of every tier, and the message to the worker. */
export function restoreChanges(
  deps: AskDeps,
  blob: Versioned<Blob>,
  row: Versioned<Restore> | undefined,
  asking: Asking,
): { readonly restore: Restore; readonly changes: readonly Change[] } {
  const now = deps.clock.now();
  const { digest, origin } = blob.value;
  const actionId = ActionId.parse(`restore-${now}-${asking.attempt}-${digest}`);
  const waitMs = asking.choice.options.find((one) => one.tier === asking.tier)?.waitMs ?? 0;
  const restore: Restore = {
    digest,
    versionId: origin.versionId,
    state: 'asked',
    actionId,
    tier: asking.tier,
    to: asking.to,
    attempt: asking.attempt,
    askedAt: now,
    readyAt: readyAfter({ tier: asking.tier, waitMs }, now),
    dueAt: EpochMs.parse(now + COPY_MS),
    correlationId: asking.correlationId,
    ...(asking.wantedBy === undefined ? {} : { wantedBy: asking.wantedBy }),
  };
  const { versionId, correlationId } = restore;
  const body: RestoreBlob = { schema: 'restore-blob/1', actionId, digest, versionId, correlationId };
  return {
    restore,
    changes: [
      RestoreRow.put(restore, expectationOf(row)),
      ActionRow.put(askAction(deps, blob.value, restore, asking), 'absent'),
      outboxPut({ id: actionId, queue: 'restore', body }, now),
      { kind: 'check', key: BlobRow.key(digest), expect: { version: blob.version } },
    ],
  };
}

function askAction(deps: AskDeps, blob: Blob, restore: Restore, asking: Asking): Action {
  const { digest, origin } = blob;
  const archived = { digest, bytes: storedBytes(blob), storageClass: origin.storageClass, to: restore.to };
  const unpacked = origin.packed === undefined ? {} : { unpacked: blob.size };
  return {
    actionId: restore.actionId,
    type: 'restore',
    digest,
    state: 'pending',
    reason: asking.reason,
    policy: `restore-1 ${deps.rates.prices.id}`,
    chosen: `restore ${restore.tier}`,
    alternatives: asking.choice.options.map(({ tier, feeUsd: fee, waitingUsd: waiting, inTime }) => ({
      action: `restore ${tier}`,
      usd: Usd.parse(fee + waiting),
      parts: { fee, waiting },
      ...(inTime ? {} : { reason: 'too late' }),
    })),
    ...recordedInputs(
      recordRestore(
        asking.waiting === undefined
          ? { decision: 'restore-again', ...archived, tier: restore.tier }
          : { decision: 'restore', ...archived, ...unpacked, waiting: recordWaiting(asking.waiting) },
      ),
    ),
    decidedAt: restore.askedAt,
    expiresAt: EpochMs.parse(restore.askedAt + ACTION_TTL_MS),
    correlationId: restore.correlationId,
    attempt: restore.attempt,
  };
}
