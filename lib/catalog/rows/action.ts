import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { CommandReceipt, ReceiptType } from '../../../events/command-receipt/v1.ts';
import { canonicalJson, type Json } from '../../shared/canonicalJson.ts';
import { ActionId, CorrelationId, Digest, Generation, HostId, ModelName, SemVer } from '../../shared/ids.ts';
import { EpochMs, Usd } from '../../shared/units.ts';
import type { ItemKey } from '../../shared/ports/catalogStore.ts';
import { defineRow, shardOf, sortableTime } from '../rowType.ts';
import { SWEEP_SHARDS } from './blob.ts';

export const ACTION_SHARDS = 8;

/** pending → done | failed | leaked | refused (by its receipt), expired (none came in time) or superseded (a newer generation). */
export const ActionState = z.enum(['pending', 'done', 'failed', 'leaked', 'refused', 'expired', 'superseded']);
export type ActionState = z.infer<typeof ActionState>;

/** Something that could have been done instead, with what it would have cost. */
export const Alternative = z.strictObject({
  action: z.string(),
  usd: Usd,
  /** Dollars by component (storage, requests, retrieval, transfer, early deletion, waiting). */
  parts: z.optional(z.record(z.string(), z.number())),
  reason: z.optional(z.string()),
});
export type Alternative = z.infer<typeof Alternative>;

/** A decision and what became of it: the decision receipt that `strata explain` prints and that replays to the same decision. */
export const ActionValue = z.strictObject({
  actionId: ActionId,
  type: z.union([ReceiptType, z.enum(['transition', 'restore', 'delete', 'expire', 'place'])]),
  digest: z.optional(Digest),
  model: z.optional(ModelName),
  modelVersion: z.optional(SemVer),
  host: z.optional(z.strictObject({ id: HostId, generation: Generation })),
  state: ActionState,
  reason: z.string(),
  policy: z.string(),
  /** The chosen action's expected dollars stand among the alternatives, under its own name. */
  chosen: z.string(),
  alternatives: z.array(Alternative),
  /** Canonical JSON of the facts that were decided on, and its SHA-256. */
  inputs: z.string(),
  inputsHash: z.string(),
  decidedAt: EpochMs,
  expiresAt: EpochMs,
  correlationId: CorrelationId,
  /** Counts the tries of one wish from 1; each pause before the next is longer. */
  attempt: z.optional(z.number()),
  /** Of a prefetch that failed: the schedule has it decided anew after this moment. */
  retryAt: z.optional(EpochMs),
  receipt: z.optional(CommandReceipt),
  outcome: z.optional(z.strictObject({ at: EpochMs, code: z.string(), text: z.string() })),
});
export type Action = z.infer<typeof ActionValue>;

export const ActionRow = defineRow({
  name: 'action',
  schemaVersion: 1,
  schema: ActionValue,
  key: (actionId: ActionId) => ({ partition: `ACTION#${actionId}`, sort: 'META' }),
  keyOf: (value): [ActionId] => [value.actionId],
  index: (value) => {
    const subject = value.digest === undefined ? `HOST#${value.host?.id ?? 'none'}` : `BLOB#${value.digest}`;
    const listing = { partition: `ACTIONS#${subject}`, sort: `${sortableTime(value.decidedAt)}#${value.actionId}` };
    const dueAt = value.state === 'pending' ? value.expiresAt : value.retryAt;
    if (dueAt === undefined) return { listing, ...endedMove(value) };
    const shard = shardOf(value.actionId, ACTION_SHARDS);
    const sort = `${sortableTime(dueAt)}#${value.actionId}`;
    // What has begun to be deleted is gone on with, and never expires.
    if (value.type === 'delete') return { listing, due: { partition: `DUE#DELETE#${shard}`, sort } };
    return { listing, due: { partition: `DUE#ACTION#${shard}`, sort } };
  },
});

/** The move of a sweep, or of a plan, that has ended is listed with its run. */
function endedMove({ actionId, digest }: Action): { readonly due?: ItemKey } {
  const runId = runOfMove(actionId);
  if (runId === undefined || digest === undefined) return {};
  return { due: { partition: `MOVES#${runId}#${shardOf(digest, SWEEP_SHARDS)}`, sort: digest } };
}

/** The id of a move within a run: its effect happens once in a run. */
export function moveActionId(runId: string, digest: Digest): ActionId {
  return ActionId.parse(`transition-${runId}-${digest}`);
}

function runOfMove(actionId: ActionId): string | undefined {
  return /^transition-(.+)-[0-9a-f]{64}$/.exec(actionId)?.[1];
}

/** The facts of a decision as its action keeps them. */
export function recordedInputs(facts: Json): { readonly inputs: string; readonly inputsHash: string } {
  const inputs = canonicalJson(facts);
  return { inputs, inputsHash: createHash('sha256').update(inputs).digest('hex') };
}
