import * as z from 'zod/mini';
import { Digest, HostId, HostPattern, ModelName, SemVer, StorageClass } from '../shared/ids.ts';
import { TierPolicyName } from '../shared/sweepMode.ts';
import { TierSettings } from '../shared/tierSettings.ts';
import { TierFacts } from '../placement/index.ts';
import { ServiceLevelTerms, SWEEP_SHARDS } from '../catalog/index.ts';
import { MoveOutcome, RetiredVersion, StoredObject } from '../costs/index.ts';
import { JoinTokenId } from '../fleet/index.ts';
import { Bytes, DAY_MS, EpochMs } from '../shared/units.ts';
import { HostMetricsView } from './hostMetrics.ts';
import { HostCommandInput, HostCommandView } from './commandHost.ts';
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
  TombstoneView,
} from './lifecycleViews.ts';
import {
  ActionView,
  AliasView,
  AuditEntryView,
  AuditVerification,
  DeadLetterView,
  DoctorCheck,
  FileView,
  HostView,
  InspectedUpload,
  JoinTokenView,
  KnownJoinTokenView,
  ModelView,
  NoticeView,
  ShownDeadLetterView,
  ShownModel,
  UploadStateView,
  UploadView,
  VersionView,
} from './views.ts';

const PageInput = { limit: z.number().check(z.int(), z.gte(1), z.lte(1000)), nextToken: z.optional(z.string()) };
const dryRun = z.boolean();
/** `name`, or `name@` and an exact version, an alias, `latest` or a range. */
const reference = z.string().check(z.minLength(1), z.maxLength(300));

const runId = z.string().check(z.regex(/^[a-z0-9-]{1,64}$/));

const shard = z.number().check(z.int(), z.gte(0), z.lt(SWEEP_SHARDS));
const money = z.number().check(z.nonnegative());
const moveCount = z.number().check(z.int(), z.nonnegative());

const page = <Item extends z.ZodMiniType>(item: Item) =>
  z.object({ items: z.array(item), nextToken: z.optional(z.string()) });

/**
 * What operators ask for and do, each with the shape of its question and of its answer. The CLI, the loopback endpoint of the
 * embedded runtime and the HTTP API share it. Every mutation can be tried without effect (`dryRun`).
 */
const OPERATION_CONTRACTS = {
  listModels: { input: z.strictObject(PageInput), output: page(ModelView) },
  showModel: { input: z.strictObject({ reference }), output: ShownModel },
  /** The files of one version, with the copies of each. */
  showVersion: { input: z.strictObject({ reference }), output: z.object({ files: z.array(FileView) }) },
  /**
   * Why a model is where it is: its uploads with their verdicts and the decisions about its blobs, newest first; `texts`: deletes in words, `restored`: where restored bytes
   * went, in words.
   * `older`: a blob has more decisions than its newest 20, which are shown. Also of a version that is deleted.
   */
  explain: {
    input: z.strictObject({ reference }),
    output: z.object({
      uploads: z.array(UploadView),
      actions: z.array(ActionView),
      older: z.boolean(),
      texts: z.array(z.string()),
      restored: z.array(z.string()),
      deleted: z.boolean(),
    }),
  },
  listUploads: { input: z.strictObject({ ...PageInput, state: UploadStateView }), output: page(UploadView) },
  /** What lies under one key now, and what became of it. */
  inspectUpload: {
    input: z.strictObject({ key: z.string().check(z.minLength(1), z.maxLength(1024)) }),
    output: InspectedUpload,
  },
  /** Has the newest upload under a key published although its verdict or the policy refused it. */
  releaseUpload: {
    input: z.strictObject({
      key: z.string().check(z.minLength(1), z.maxLength(1024)),
      reason: z.string().check(z.minLength(1), z.maxLength(1000)),
      by: z.string().check(z.minLength(1), z.maxLength(200)),
      dryRun,
    }),
    output: UploadView,
  },
  /** Has everything judged again, by whatever rules judged it. */
  startRescan: { input: z.strictObject({}), output: z.object({ rescanId: z.string(), started: z.boolean() }) },
  /** What was decided about an uploaded key, a `blobs/<digest>` or a `<model>@<version>`, oldest first. */
  showAudit: {
    input: z.strictObject({ ...PageInput, object: z.string().check(z.minLength(1), z.maxLength(1100)) }),
    output: page(AuditEntryView),
  },
  /** Recomputes the audit trail against its locked seals; `broken` names the first thing that is wrong. */
  verifyAudit: { input: z.strictObject({ since: z.optional(EpochMs) }), output: AuditVerification },
  /** What changed sides from `since` on, oldest first; asked again from the last one's moment it goes on, that one included. */
  listNotices: {
    input: z.strictObject({ since: EpochMs, limit: PageInput.limit }),
    output: page(NoticeView),
  },
  listHosts: { input: z.strictObject({}), output: page(HostView) },
  /** Those that have told of a minute in the last hour. */
  showHostMetrics: {
    input: z.strictObject({ hosts: z.array(HostId).check(z.maxLength(100)) }),
    output: page(HostMetricsView),
  },
  promoteAlias: {
    input: z.strictObject({ model: ModelName, alias: z.string(), version: SemVer, dryRun }),
    output: AliasView,
  },
  rollbackAlias: { input: z.strictObject({ model: ModelName, alias: z.string(), dryRun }), output: AliasView },
  deprecateVersion: {
    input: z.strictObject({ model: ModelName, version: SemVer, deprecated: z.boolean(), dryRun }),
    output: VersionView,
  },
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
  /** Deletes a version so that it can be undone for so many days; its bytes go afterwards, when nothing needs them. */
  deleteVersion: {
    input: z.strictObject({
      model: ModelName,
      version: SemVer,
      undoDays: z.number().check(z.gte(0), z.lte(365)),
      dryRun,
    }),
    output: z.extend(TombstoneView, { freesBytes: Bytes }),
  },
  undoDelete: { input: z.strictObject({ model: ModelName, version: SemVer, dryRun }), output: VersionView },
  listDeleted: { input: z.strictObject({ model: ModelName }), output: page(TombstoneView) },
  holdVersion: {
    input: z.strictObject({
      model: ModelName,
      version: SemVer,
      dryRun,
      change: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('hold'), reason: z.string().check(z.minLength(1), z.maxLength(1000)) }),
        z.strictObject({ kind: z.literal('release') }),
        z.strictObject({ kind: z.literal('retain'), until: EpochMs }),
      ]),
    }),
    output: VersionView,
  },
  listDeadLetters: { input: z.strictObject({}), output: page(DeadLetterView) },
  /** Answers how many messages moved, or with `dryRun` would. */
  redriveDeadLetters: {
    input: z.strictObject({ queue: z.string(), max: z.number().check(z.int(), z.positive()), dryRun }),
    output: DeadLetterView,
  },
  /** What waits in one dead-letter queue, and stays there. */
  showDeadLetters: {
    input: z.strictObject({ queue: z.string(), max: z.number().check(z.int(), z.gte(1), z.lte(100)) }),
    output: page(ShownDeadLetterView),
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
  /** Join tokens that are not expired, the next to expire first. */
  listJoinTokens: { input: z.strictObject(PageInput), output: page(KnownJoinTokenView) },
  revokeJoinToken: { input: z.strictObject({ id: JoinTokenId, dryRun }), output: KnownJoinTokenView },
  createJoinToken: {
    input: z.strictObject({
      hosts: HostPattern,
      uses: z.number().check(z.int(), z.gte(1), z.lte(100)),
      validMinutes: z.number().check(z.positive(), z.lte(7 * 24 * 60)),
    }),
    output: JoinTokenView,
  },
  /** Sends a signed command to one host; its receipt ends the action. */
  commandHost: { input: HostCommandInput, output: HostCommandView },
  doctor: { input: z.strictObject({}), output: page(DoctorCheck) },
} as const;

export type OperationName = keyof typeof OPERATION_CONTRACTS;
type Inputs = { readonly [Name in OperationName]: z.infer<(typeof OPERATION_CONTRACTS)[Name]['input']> };
type Outputs = { readonly [Name in OperationName]: z.infer<(typeof OPERATION_CONTRACTS)[Name]['output']> };
export type OperationInput<Name extends OperationName> = Inputs[Name];
export type OperationOutput<Name extends OperationName> = Outputs[Name];

/** The operations as functions: over the stores themselves where they are at hand, else over a connection to where they are. */
export type Operations = {
  readonly [Name in OperationName]: (input: Inputs[Name]) => Promise<Outputs[Name]>;
};

/** The same table with its correlation of name and shapes spelled out, so that generic code needs no assertion. */
export const CONTRACTS: {
  readonly [Name in OperationName]: {
    readonly input: z.ZodMiniType<Inputs[Name]>;
    readonly output: z.ZodMiniType<Outputs[Name]>;
  };
} = OPERATION_CONTRACTS;

export function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(OPERATION_CONTRACTS, name);
}
