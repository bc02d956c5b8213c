import * as z from 'zod/mini';
import { HostId, HostPattern, ModelName, SemVer } from '../shared/ids.ts';
import { JoinTokenId } from '../fleet/index.ts';
import { Bytes, EpochMs } from '../shared/units.ts';
import { HostMetricsView } from './hostMetrics.ts';
import { HostCommandInput, HostCommandView } from './commandHost.ts';
import { ActionsInput, HostActionsInput } from './hostActions.ts';
import { TombstoneView } from './lifecycleViews.ts';
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
import { dryRun, page, PageInput, reference } from './contractShapes.ts';
import { PLACEMENT_CONTRACTS } from './placementContract.ts';

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
  /**
   * Has the newest upload under a key published although its verdict or the policy refused it; where `versionId` or `rules` are given, as
   * it was looked at, refused where another version lies there by now or other rules have judged it since.
   */
  releaseUpload: {
    input: z.strictObject({
      key: z.string().check(z.minLength(1), z.maxLength(1024)),
      versionId: z.optional(z.string().check(z.minLength(1), z.maxLength(1024))),
      rules: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
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
  removeAlias: { input: z.strictObject({ model: ModelName, alias: z.string(), dryRun }), output: AliasView },
  deprecateVersion: {
    input: z.strictObject({ model: ModelName, version: SemVer, deprecated: z.boolean(), dryRun }),
    output: VersionView,
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
  /** How actions stand, a command's receipt with them; unknown ones are left out. */
  showActions: { input: ActionsInput, output: page(ActionView) },
  /** The newest 20 commands to a host that name no blob (drain, resize, report), newest first. */
  listHostActions: { input: HostActionsInput, output: page(ActionView) },
  doctor: { input: z.strictObject({}), output: page(DoctorCheck) },
  ...PLACEMENT_CONTRACTS,
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
