import * as z from 'zod/mini';
import type { Action, Blob, Restore } from '../catalog/index.ts';
import {
  amongChosen,
  Chosen,
  chosenAmong,
  decideRestoredTier,
  type Rates,
  type RestoredTier,
  TierFacts,
  type TierPolicy,
} from '../placement/index.ts';
import type { Json } from '../shared/canonicalJson.ts';
import { StorageClass } from '../shared/ids.ts';
import { EpochMs } from '../shared/units.ts';

const Recorded = z.strictObject({
  decision: z.literal('restored'),
  facts: TierFacts,
  /** The class that a move wished for; without it somebody reads it. */
  to: z.optional(StorageClass),
  /** What decided where it goes then; absent while sweeps were off. */
  by: z.optional(z.enum(['rules', 'dollars', 'lifecycle'])),
  now: EpochMs,
  classes: Chosen,
  occupied: z.optional(z.array(StorageClass)),
});

/** What decides storage classes now, where anything does, and what it knows of a blob. */
export interface JudgedBlob {
  readonly facts: TierFacts;
  readonly policy: TierPolicy | undefined;
  /** Where a copy of an earlier transition lies until it is deleted: nothing can go there before. */
  readonly occupied: readonly StorageClass[];
}
export type JudgeBlob = (blob: Blob, rates: Rates, now: EpochMs) => Promise<JudgedBlob>;

export interface RestoredDecision extends RestoredTier {
  readonly policy: string;
  readonly inputs: Json;
  /** It can go nowhere yet. */
  readonly mustWait: boolean;
}

/** Where the bytes of a restore go, decided on the blob as it lies now, with the inputs as JSON for its receipt. */
export async function decideRestored(
  judge: JudgeBlob,
  blob: Blob,
  { to, wantedBy }: Restore,
  rates: Rates,
  now: EpochMs,
): Promise<RestoredDecision> {
  const { facts, policy, occupied } = await judge(blob, rates, now);
  const full = occupied.length === 0 ? {} : { occupied };
  const inputs = { decision: 'restored', facts: { ...facts }, now, ...chosenAmong(rates), ...full };
  if (wantedBy === undefined) {
    const decided = decideRestoredTier(facts, { to }, undefined, rates, now);
    return { ...decided, policy: RESTORES, inputs: { ...inputs, to }, mustWait: occupied.includes(to) };
  }
  const by = policy === undefined ? {} : { by: policy.kind };
  const decided = decideRestoredTier(facts, 'read', policy, rates, now, occupied);
  return {
    ...decided,
    policy: policy?.version ?? RESTORES,
    inputs: { ...inputs, ...by },
    mustWait: occupied.includes(decided.to),
  };
}

/** Where no policy of storage classes decides. */
const RESTORES = 'restore-1';

/**
 * Decides once more what a receipt says was decided, by the policy that it names; undefined when its inputs are not those of restored bytes,
 * or the policy is another one.
 */
export function replayRestored(
  inputs: string,
  policy: TierPolicy | undefined,
  rates: Rates,
): Pick<RestoredTier, 'chosen' | 'alternatives'> | undefined {
  const recorded = Recorded.safeParse(JSON.parse(inputs)).data;
  if (recorded === undefined) return undefined;
  const { by, classes, facts, now, occupied, to } = recorded;
  if (by !== undefined && policy?.kind !== by) return undefined;
  const wanted = to === undefined ? ('read' as const) : { to };
  const decides = by === undefined ? undefined : policy;
  const among = amongChosen(rates, classes);
  const { alternatives, chosen } = decideRestoredTier(facts, wanted, decides, among, now, occupied);
  return { alternatives, chosen };
}

/** The facts of a receipt of restored bytes; undefined for another's. */
export function restoredFacts({ inputs, reason }: Pick<Action, 'inputs' | 'reason'>): TierFacts | undefined {
  return reason === 'restored' ? Recorded.safeParse(JSON.parse(inputs)).data?.facts : undefined;
}
