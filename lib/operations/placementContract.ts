import * as z from 'zod/mini';
import { Digest, ModelName, StorageClass } from '../shared/ids.ts';
import { TierPolicyName } from '../shared/sweepMode.ts';
import { TierSettings } from '../shared/tierSettings.ts';
import { TierFacts } from '../placement/index.ts';
import { ServiceLevelTerms, SWEEP_SHARDS } from '../catalog/index.ts';
import { MoveOutcome, RetiredVersion, StoredObject } from '../costs/index.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import {
  BrokenPromiseView,
  ExpiryRunView,
  ExpiryView,
  JudgingView,
  RestoreView,
  RunView,
  ServiceLevelView,
  StorageView,
  TierPolicyView,
} from './lifecycleViews.ts';
import { dryRun, page, PageInput, reference } from './contractShapes.ts';

const runId = z.string().check(z.regex(/^[a-z0-9-]{1,64}$/));

const shard = z.number().check(z.int(), z.gte(0), z.lt(SWEEP_SHARDS));
const money = z.number().check(z.nonnegative());
const moveCount = z.number().check(z.int(), z.nonnegative());

/** Of operations about where bytes lie: what they cost, what decides, what moves, and what readers are promised. */
export const PLACEMENT_CONTRACTS = {
  /** By what storage classes are judged: as the plane does it, or by another policy with what the plane is configured with of it. */
  showJudging: { input: z.strictObject({ policy: z.optional(TierPolicyName) }), output: JudgingView },
  /**
   * A page of the facts that storage classes are decided on now; the client decides and adds up. `settings` instead of the plane's; `shard`:
   * only of this one of the catalog's shards, of which a client may ask several at once.
   */
  planTiers: {
    input: z.strictObject({
      ...PageInput,
      policy: TierPolicyName,
      settings: z.optional(TierSettings),
      shard: z.optional(shard),
    }),
    output: page(z.object({ facts: TierFacts, versionId: z.string(), at: EpochMs, expires: z.optional(ExpiryView) })),
  },
  /** How each file of a version is stored: primary copy, policy in force, expected reads, estimated month. */
  showStorage: {
    input: z.strictObject({ reference, policy: z.optional(TierPolicyName) }),
    output: z.object({ items: z.array(StorageView) }),
  },
  /** The newest sweeps and plans that moved objects, or one of them. */
  listRuns: {
    input: z.strictObject({ limit: PageInput.limit, runId: z.optional(runId) }),
    output: z.object({ items: z.array(RunView) }),
  },
  /** A page of the moves of a run that have ended, realised against predicted. */
  listRunMoves: { input: z.strictObject({ ...PageInput, runId }), output: page(MoveOutcome) },
  /** A page of what lies in the bucket and on hosts, each copy with its dollars a month; the client adds up. */
  listStored: { input: z.strictObject(PageInput), output: page(StoredObject) },
  /** Versions that nobody seems to need, of a page of models, with what they cost. */
  listRetired: { input: z.strictObject(PageInput), output: page(RetiredVersion) },
  /** What sweeps by the lifecycle preset have deleted, newest first. */
  listExpiryRuns: {
    input: z.strictObject({ limit: PageInput.limit }),
    output: page(ExpiryRunView),
  },
  /**
   * Sets down what each shard of a plan's run may spend; of a run that has begun it answers that, and what was spent and sent. With `goesOn`
   * nothing begins: a run that has not is `no-plan`.
   */
  beginPlan: {
    input: z.strictObject({
      runId,
      shards: z.array(z.strictObject({ budgetUsd: money, mostMoves: moveCount })).check(z.length(SWEEP_SHARDS)),
      goesOn: z.optional(z.boolean()),
    }),
    output: page(z.object({ shard, budgetUsd: money, mostMoves: moveCount, reservedUsd: money, moves: moveCount })),
  },
  /**
   * Moves one blob as a plan has shown, within the limits of its run; answers what was decided. The limits named here are those of a run that
   * was not begun by `beginPlan`.
   */
  applyTier: {
    input: z.strictObject({
      digest: Digest,
      to: StorageClass,
      action: z._default(z.enum(['transition', 'pack', 'unpack']), 'transition'),
      policy: TierPolicyName,
      runId,
      budgetUsd: money,
      mostMoves: moveCount,
      dryRun,
    }),
    output: z.object({ digest: Digest, reason: z.string() }),
  },
  /** Why the files of a version lie in their storage classes, in words and dollars. */
  explainTiers: {
    input: z.strictObject({ reference, policy: z.optional(TierPolicyName) }),
    output: z.object({ judging: JudgingView, texts: z.array(z.string()) }),
  },
  /**
   * The price book of the plane's region as JSON, since when it is known to be right, a fresh one that waits to be accepted, the operator's that
   * decides in its place, and the storage classes that decisions choose among.
   */
  showPrices: {
    input: z.strictObject({}),
    output: z.object({
      book: z.string(),
      checkedAt: EpochMs,
      takenBy: z.optional(z.string()),
      reported: z.optional(z.object({ book: z.string(), at: EpochMs })),
      own: z.optional(z.string()),
      /** Absent in older planes: all that the book prices. */
      classes: z.optional(z.array(StorageClass)),
    }),
  },
  /** Puts a price book in force, however far it moves prices; answers how many it changes. */
  acceptPrices: {
    input: z.strictObject({
      book: z.string().check(z.maxLength(200_000)),
      by: z.string().check(z.minLength(1), z.maxLength(200)),
      dryRun,
    }),
    output: z.object({ id: z.string(), asOf: z.string(), changes: z.number(), beyond: z.number() }),
  },
  /** What sweeps decide by, and a change of it that waits; no item where no sweep has begun yet. */
  showTierPolicy: { input: z.strictObject({}), output: page(TierPolicyView) },
  /** Lets the next sweep change to a policy although it catches objects in use. */
  acceptTierPolicy: {
    input: z.strictObject({
      policy: TierPolicyName,
      by: z.string().check(z.minLength(1), z.maxLength(200)),
      dryRun,
    }),
    output: TierPolicyView,
  },
  /** Brings what is archived of a version back, by the cheapest restore that ends in time; answers how far each file is. */
  restoreVersion: {
    input: z.strictObject({ reference, withinMs: z.optional(z.number().check(z.positive())), dryRun }),
    output: page(RestoreView),
  },
  listServiceLevels: { input: z.strictObject(PageInput), output: page(ServiceLevelView) },
  /** Empty where nobody has said anything about the model. */
  showServiceLevel: { input: z.strictObject({ model: ModelName }), output: page(ServiceLevelView) },
  /** Changes what is known or promised of the reads of a model; what is neither named nor cleared stays. */
  setServiceLevel: {
    input: z.strictObject({
      model: ModelName,
      terms: z.strictObject({
        readsPerDay: z.optional(z.number().check(z.gte(0), z.lte(1e9))),
        restoreToleranceMs: z.optional(z.number().check(z.gte(0), z.lte(90 * DAY_MS))),
        waitingUsdPerHour: z.optional(z.number().check(z.gte(0), z.lte(1e6))),
      }),
      clear: z.array(z.keyof(ServiceLevelTerms)),
      by: z.string().check(z.minLength(1), z.maxLength(200)),
      dryRun,
    }),
    output: ServiceLevelView,
  },
  /** Of a page of a model's stored files those whose readers would wait longer than such a promise says; `left`: files after it. */
  listBrokenPromises: {
    input: z.strictObject({
      ...PageInput,
      model: ModelName,
      restoreToleranceMs: z.number().check(z.gte(0), z.lte(90 * DAY_MS)),
    }),
    output: z.extend(page(BrokenPromiseView), { left: z.number() }),
  },
} as const;
