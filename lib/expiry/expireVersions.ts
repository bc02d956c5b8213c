import type { ExpireVersions } from '../../events/expire-versions/v1.ts';
import {
  type Action,
  ActionRow,
  type Decided,
  type ExpiryCandidate,
  ExpiryRow,
  type ExpiryRun,
  ExpiryRunRow,
  expectationOf,
  recordedInputs,
  sendOnce,
  settle,
  startingWith,
  TierPolicyRow,
  VersionRow,
} from '../catalog/index.ts';
import { decideDelete } from '../deletion/index.ts';
import { isPresentVersion, lifecyclePolicy, type Rates } from '../placement/index.ts';
import { ActionId, CorrelationId } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { SweepMode, TierPolicyName } from '../shared/sweepMode.ts';
import type { LifecycleRules, TierSettings } from '../shared/tierSettings.ts';
import { Bytes, type EpochMs, Usd } from '../shared/units.ts';
import {
  decideExpiry,
  type ExpiryDecision,
  type ExpiryFacts,
  type ExpiryRefusal,
  recordExpiry,
} from './decideExpiry.ts';
import { endRun, newRun } from './expiryRun.ts';
import { loadExpiryFacts } from './loadExpiryFacts.ts';

/** What operators allow the lifecycle preset. */
export interface ExpirySettings extends Pick<TierSettings, 'lifecycleRules' | 'lifecycleDeletes'> {
  readonly tierSweep: SweepMode;
  readonly tierPolicy: TierPolicyName;
  /** Of one sweep: how many versions it deletes at most, and of how many bytes. */
  readonly lifecycleMostDeletes: number;
  readonly lifecycleMostDeleteBytes: number;
}

/** What ships. */
export const EXPIRY_LIMITS: Pick<ExpirySettings, 'lifecycleMostDeletes' | 'lifecycleMostDeleteBytes'> = {
  lifecycleMostDeletes: 100,
  lifecycleMostDeleteBytes: 10_000_000_000_000,
};

export interface ExpireDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly rates: Rates;
  readonly telemetry: Telemetry;
  readonly settings: ExpirySettings;
}

export type ExpiryReason =
  | ExpiryRefusal
  | 'abandoned'
  /** Somebody has deleted it meanwhile, or an earlier delivery of this message has. */
  | 'deleted-before'
  /** The run may not delete so many versions, or bytes. */
  | 'rate-reached'
  | 'bytes-reached';

const VERSIONS_PER_MESSAGE = 20;
/** As long as after `strata rm` it can be undone. */
const UNDO_DAYS = 7;

type Allowing = Pick<ExpireDeps, 'catalog' | 'settings'>;

/** Whether versions may be deleted by policy now: operators want it, and what is in force allows it. */
export async function mayExpire(deps: Allowing): Promise<boolean> {
  return (await rulesInForce(deps)) !== undefined;
}

/** The thresholds that deletes are decided by; undefined where none may be. */
async function rulesInForce({ catalog, settings }: Allowing): Promise<LifecycleRules | undefined> {
  const { tierSweep, tierPolicy, lifecycleDeletes } = settings;
  if (tierSweep !== 'on' || tierPolicy !== 'lifecycle' || lifecycleDeletes !== 'on') return undefined;
  const row = await TierPolicyRow.get(catalog);
  if (row === undefined) return undefined;
  const { inForce, settings: noted = settings, version } = row.value;
  if (!isPresentVersion('lifecycle', version)) return undefined;
  return inForce === 'lifecycle' && noted.lifecycleDeletes === 'on' ? noted.lifecycleRules : undefined;
}

/**
 * Deletes versions that a sweep found abandoned, as the last thing of it: each is judged again on the rows of now and deleted as `strata rm`
 * does, so that it can be undone for a week, in one write with its receipt and what it takes of the run's limits. Killed
 * anywhere and delivered again it goes on. Switched off meanwhile, it deletes nothing more.
 */
export async function expireVersions(deps: ExpireDeps, message: ExpireVersions): Promise<void> {
  const { catalog, telemetry } = deps;
  const { runId, cursor } = message;
  const rules = await rulesInForce(deps);
  if (rules === undefined) return telemetry.metric('ExpiryDecided', 'Count', 1, { reason: 'switched-off' });
  const page = await catalog.query({
    partition: `EXPIRY#${runId}`,
    ...startingWith('VERSION#'),
    limit: VERSIONS_PER_MESSAGE,
    ...(cursor === undefined ? {} : { cursor }),
  });
  for (const item of page.items) {
    const { model, version } = ExpiryRow.parse(item).value;
    const reason = await settle(catalog, `Expiring ${model}@${version}`, () =>
      expire(deps, rules, runId, { model, version }),
    );
    telemetry.metric('ExpiryDecided', 'Count', 1, { reason });
    telemetry.info('expiry', { model, version, reason, runId });
  }
  if (page.cursor === undefined) return settle(catalog, `Ending ${runId}`, () => endRun(deps, runId));
  const body: ExpireVersions = { ...message, cursor: page.cursor };
  await sendOnce(deps, { scope: 'expire-versions', id: `${runId} ${page.cursor}` }, { queue: 'sweep', body });
}

type Named = Pick<ExpiryCandidate, 'model' | 'version'>;

async function expire(
  deps: ExpireDeps,
  rules: LifecycleRules,
  runId: string,
  { model, version }: Named,
): Promise<Decided<ExpiryReason>> {
  const { catalog, clock, rates, settings } = deps;
  const keep = (reason: ExpiryReason): Decided<ExpiryReason> => ({ changes: [], answer: reason });
  const row = await VersionRow.get(catalog, model, version);
  if (row === undefined) return keep('deleted-before');
  const now = clock.now();
  const facts = await loadExpiryFacts(catalog, row.value, now);
  const decision = decideExpiry(facts, rules, rates, now);
  if (decision.action === 'keep') return keep(decision.reason);
  // Thresholds that spare more are heeded before they are in force.
  const spared = decideExpiry(facts, settings.lifecycleRules, rates, now);
  if (spared.action === 'keep') return keep(spared.reason);
  // It was brought back: one sweep deletes a version once.
  if ((await ActionRow.get(catalog, expiryAction(runId, facts))) !== undefined) return keep('deleted-before');
  const run = await ExpiryRunRow.get(catalog, runId);
  const reserved = reserve(run?.value ?? newRun(runId, now), settings, decision);
  if (typeof reserved === 'string') return keep(reserved);
  const correlationId = CorrelationId.parse(`expire-${runId}`);
  const deletion = { model, version, undoDays: UNDO_DAYS, now, correlationId, dryRun: false };
  const { changes, answer } = await decideDelete(catalog, deletion);
  if (changes.length === 0) return keep('deleted-before');
  const receipt = receiptOf(deps, rules, runId, facts, decision, answer.tombstone.purgeAfter);
  return {
    changes: [...changes, ExpiryRunRow.put(reserved, expectationOf(run)), ActionRow.put(receipt, 'absent')],
    answer: 'abandoned',
  };
}

const expiryAction = (runId: string, { own }: ExpiryFacts) => ActionId.parse(`expire-${runId}-${own[0]?.digest}`);

type Expire = Extract<ExpiryDecision, { action: 'expire' }>;

/** Takes a delete out of what its run may still do. */
function reserve(
  run: ExpiryRun,
  settings: ExpirySettings,
  decision: Expire,
): ExpiryRun | 'rate-reached' | 'bytes-reached' {
  if (run.versions >= settings.lifecycleMostDeletes) return 'rate-reached';
  if (run.bytes + decision.bytes > settings.lifecycleMostDeleteBytes) return 'bytes-reached';
  return {
    ...run,
    versions: run.versions + 1,
    bytes: Bytes.parse(run.bytes + decision.bytes),
    savedUsdPerMonth: Usd.parse(run.savedUsdPerMonth + decision.usdPerMonth),
    earlyDeletionUsd: Usd.parse(run.earlyDeletionUsd + decision.earlyDeletionUsd),
  };
}

/** It lies with the first of the files that go, where `strata explain` looks. */
function receiptOf(
  { clock, rates }: ExpireDeps,
  rules: LifecycleRules,
  runId: string,
  facts: ExpiryFacts,
  decision: Expire,
  undoneUntil: EpochMs,
): Action {
  const { model, version, own } = facts;
  const now = clock.now();
  return {
    actionId: expiryAction(runId, facts),
    type: 'expire',
    ...(own[0] === undefined ? {} : { digest: own[0].digest }),
    model,
    modelVersion: version,
    state: 'done',
    reason: decision.reason,
    policy: `${lifecyclePolicy(rules, true).version} ${rates.prices.id}`,
    chosen: 'delete',
    alternatives: [
      { action: 'delete', usd: decision.earlyDeletionUsd, reason: `early deletion, once; risk ${decision.risk}` },
      { action: 'keep', usd: decision.usdPerMonth, reason: 'each month' },
    ],
    ...recordedInputs(recordExpiry(facts, now)),
    decidedAt: now,
    expiresAt: now,
    correlationId: CorrelationId.parse(`expire-${runId}`),
    outcome: {
      at: now,
      code: 'deleted',
      text: `Until ${new Date(undoneUntil).toISOString()}: strata undo ${model}@${version}`,
    },
  };
}
