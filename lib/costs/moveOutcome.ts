import * as z from 'zod/mini';
import type { ReadDay } from '../accesses/index.ts';
import { type Action, ActionState, type Blob, storedBytes } from '../catalog/index.ts';
import { BucketReads, idleMs, type Rates, readUsd, storageUsd, switchUsd } from '../placement/index.ts';
import { Digest } from '../shared/ids.ts';
import { Bytes, EpochMs, MONTH_MS, Usd } from '../shared/units.ts';

/** What became of one move, and what it has brought. */
export const MoveOutcome = z.object({
  digest: Digest,
  state: ActionState,
  /** What ended it, in short and in words. */
  code: z.string(),
  text: z.string(),
  /** What was done: `transition`, or `pack` and `unpack`, which may stay in their class. */
  action: z.string(),
  from: z.string(),
  to: z.string(),
  bytes: Bytes,
  endedAt: EpochMs,
  /** As it was decided: the charge of the move, and what a month was expected to save. */
  predictedOnceUsd: Usd,
  predictedUsdPerMonth: Usd,
  /** Of a move that was done and whose object is still there; everything since it ended. */
  measured: z.optional(
    z.object({
      /** The end of the record: now, or when the object moved on. */
      until: EpochMs,
      /** The charge of the move with the minimum duration as it was when it ended. */
      onceUsd: Usd,
      /** What the prediction comes to by `until`, less the charge of the move; and what the same time brought by the reads of the bucket. */
      predictedUsd: Usd,
      realisedUsd: Usd,
      /** Of the bucket, each of which had to wait for `waitMs` where the class needs a restore. */
      reads: z.number(),
      waitMs: z.number(),
    }),
  ),
});
export type MoveOutcome = z.infer<typeof MoveOutcome>;

const Recorded = z.object({
  facts: z.object({
    bytes: Bytes,
    createdAt: EpochMs,
    transitionedAt: EpochMs,
    lastAccessAt: z.optional(EpochMs),
    bucketReads: z.optional(BucketReads),
    packing: z.optional(z.object({ packed: z.boolean(), bytes: Bytes })),
  }),
});

/**
 * Compares a move that has ended with what was expected of it. Realised is counterfactual bill − actual bill − charge of the move: what
 * the object would have cost where it was and what it has cost where it is, for the same reads of the
 * bucket. Undefined where the action tells no classes.
 */
export function moveOutcome(
  action: Action,
  blob: Blob | undefined,
  bucketDays: readonly ReadDay[],
  rates: Rates,
  now: EpochMs,
): MoveOutcome | undefined {
  const { alternatives, chosen, digest, outcome, state } = action;
  const stays = alternatives.find((one) => one.action.startsWith('keep '));
  const moves = alternatives.find((one) => one.action === chosen);
  const recorded = Recorded.safeParse(JSON.parse(action.inputs));
  if (stays === undefined || moves === undefined || digest === undefined || !recorded.success) return undefined;
  const { month: staysMonth = 0 } = stays.parts ?? {};
  const { month: movesMonth = 0, move = 0, early = 0 } = moves.parts ?? {};
  const { bytes } = recorded.data.facts;
  const told = {
    digest,
    state,
    code: outcome?.code ?? state,
    text: outcome?.text ?? 'It did not begin in time; the next sweep decides anew.',
    action: chosen.slice(0, chosen.indexOf(' ')),
    from: classOf(stays.action),
    to: classOf(moves.action),
    bytes,
    endedAt: outcome?.at ?? action.expiresAt,
    predictedOnceUsd: Usd.parse(move + early),
    predictedUsdPerMonth: Usd.parse(staysMonth - movesMonth),
  };
  if (state !== 'done' || blob === undefined) return told;
  return { ...told, measured: measure(told, recorded.data.facts, blob, bucketDays, rates, now) };
}

/** `transition GLACIER_IR` → `GLACIER_IR` */
const classOf = (action: string): string => action.slice(action.indexOf(' ') + 1);

function measure(
  told: Omit<MoveOutcome, 'measured'>,
  facts: z.infer<typeof Recorded>['facts'],
  blob: Blob,
  bucketDays: readonly ReadDay[],
  rates: Rates,
  now: EpochMs,
): NonNullable<MoveOutcome['measured']> {
  const { endedAt } = told;
  const [from, to] = [rates.of(told.from), rates.of(told.to)];
  const movedOn = (blob.transitionedAt ?? 0) > endedAt;
  const until = EpochMs.parse(Math.max(endedAt, movedOn ? (blob.transitionedAt ?? now) : now));
  const days = bucketDays.filter(({ at }) => at > endedAt && at <= until);
  const reads = days.reduce((sum, day) => sum + day.reads, 0);
  const idledMs = idleMs(facts, endedAt);
  const heldMs = Math.max(0, endedAt - facts.transitionedAt);
  const before = facts.packing?.packed === true ? facts.packing.bytes : facts.bytes;
  const standing = { bytes: before, heldMs, idleMs: idledMs };
  // What packing itself costs, parts and a worker's seconds, is known only as it was decided.
  const onceUsd = told.action === 'transition' ? switchUsd(from, to, standing) : told.predictedOnceUsd;
  const bill = (rate: typeof from, bytes: number, idle: number): number => {
    let usd = reads * readUsd(rate, bytes);
    let since: number = endedAt;
    let idleSoFar = idle;
    for (const at of [...days.map((day) => day.at), until]) {
      usd += storageUsd(rate, bytes, Math.max(0, at - since), idleSoFar);
      idleSoFar = 0;
      since = Math.max(since, at);
    }
    return usd;
  };
  const after = movedOn ? before : storedBytes(blob);
  const saved = bill(from, before, idledMs) - bill(to, after, 0);
  const months = (until - endedAt) / MONTH_MS;
  return {
    until,
    onceUsd: Usd.parse(onceUsd),
    predictedUsd: Usd.parse(told.predictedUsdPerMonth * months - told.predictedOnceUsd),
    realisedUsd: Usd.parse(saved - onceUsd),
    reads,
    waitMs: to.instant
      ? 0
      : Math.min(...to.restores.filter((one) => one.usdPerByte === to.retrievalUsdPerByte).map((one) => one.waitMs)),
  };
}
