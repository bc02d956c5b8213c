import { createHash } from 'node:crypto';
import type { ViewEntry } from '../../events/host-command/v1.ts';
import {
  ActionRow,
  BlobRow,
  type Decided,
  expectationOf,
  type Host,
  HostRow,
  type Replica,
  ReplicaRow,
  settle,
  type Versioned,
  VersionRow,
} from '../catalog/index.ts';
import {
  decidePlacement,
  type PlacementAction,
  type PlacementFacts,
  type Rates,
  type SkipReason,
  type PlacementPolicy,
  type PrefetchReason,
  subscribes,
} from '../placement/index.ts';
import type { Scanner } from '../scanning/index.ts';
import {
  ActionId,
  type CorrelationId,
  type Digest,
  type HostId,
  hostLocation,
  type ModelName,
  type SemVer,
} from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { CommandKeys } from '../shared/ports/commandKeys.ts';
import type { Random } from '../shared/ports/random.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { Bytes } from '../shared/units.ts';
import { type CommandTerms, commandChanges, newActionId } from './commands.ts';
import { gpuOf, hostFacts, placementFacts, recordPlacement } from './placementInputs.ts';
import { type DemandOf, demandOn, loadPaused, loadReplicas } from './placementReads.ts';
import { loadServable, type ServableVersion, type ServeRefusal } from './servable.ts';
import { toldOrigin } from './toldOrigin.ts';

export interface PlacementDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly commandKeys: CommandKeys;
  readonly scanner: Pick<Scanner, 'rules'>;
  readonly settings: { readonly commandTtlMs: number };
  readonly rates: Rates;
  readonly policy: PlacementPolicy;
  readonly demandOf: DemandOf;
}

export interface PlacementWish {
  readonly model: ModelName;
  readonly version: SemVer;
  readonly host: HostId;
  readonly correlationId: CorrelationId;
  readonly attempt: number;
}

/** What became of one blob on one host, or of the whole wish. */
export type PlacementReason =
  | SkipReason
  | ServeRefusal
  | PrefetchReason
  | 'unknown-host'
  /** An evict command is under way; a fill now would race it. */
  | 'being-evicted'
  /** The bytes are there for another version; the host learns this version's names for them. */
  | 'named-anew';

/** Four changes each, beside the host's row, within the 100 of one transaction. */
const BATCH = 24;

/**
 * Decides what one host should hold of a version and commands it: per action one pending action with its decision receipt, one
 * reserved replica that pins the origin version, one signed message, and the host's promised bytes, all in one conditional write
 * that also checks that no origin has moved. A lost race decides anew, so repeated deliveries command nothing twice.
 */
export async function placeOnHost(deps: PlacementDeps, wish: PlacementWish): Promise<readonly PlacementReason[]> {
  const reasons: PlacementReason[] = [];
  let more = true;
  while (more) {
    const key = await deps.commandKeys.current();
    const round = await settle(deps.catalog, `Placing ${wish.model}@${wish.version} on ${wish.host}`, () =>
      decideRound(deps, wish, { key, now: deps.clock.now(), ttlMs: deps.settings.commandTtlMs }),
    );
    more = round.more;
    reasons.push(...round.reasons);
  }
  for (const reason of reasons) deps.telemetry.metric('PlacementDecided', 'Count', 1, { reason });
  deps.telemetry.info('placement decided', {
    model: wish.model,
    version: wish.version,
    host: wish.host,
    reasons: reasons.join(' '),
  });
  return reasons;
}

interface Round {
  readonly reasons: readonly PlacementReason[];
  /** More was decided than one transaction holds. */
  readonly more: boolean;
}

async function decideRound(deps: PlacementDeps, wish: PlacementWish, terms: CommandTerms): Promise<Decided<Round>> {
  const refuse = (reason: PlacementReason): Decided<Round> => ({
    changes: [],
    answer: { reasons: [reason], more: false },
  });
  const host = await HostRow.get(deps.catalog, wish.host);
  if (host === undefined) return refuse('unknown-host');
  const servable = await loadServable(deps.catalog, wish.model, wish.version, deps.scanner.rules);
  if (servable.outcome === 'refused') return refuse(servable.reason);
  const replicas = await loadReplicas(deps.catalog, servable, wish.host);
  const demand = await demandOn(deps, host.value, servable, terms.now);
  const present = [...replicas.values()].map((row) => row.value);
  const gpu = gpuOf(host.value, deps.policy, deps.rates);
  const ofHost = hostFacts(host.value, present, gpu);
  const decide = (paused?: ReadonlySet<Digest>) => {
    const given = placementFacts(servable, { ...ofHost, paused }, demand);
    return { facts: given, ...decidePlacement(given, deps.policy, deps.rates, terms.now) };
  };
  const unpaused = decide();
  const paused = await loadPaused(deps.catalog, host.value, unpaused.actions, terms.now);
  const { actions, facts } = paused.size === 0 ? unpaused : decide(paused);
  const plan: Plan = { deps, wish, terms, host, servable, replicas, facts, changes: [], promised: 0 };
  const reasons: PlacementReason[] = [];
  for (const action of actions) {
    if (plan.changes.length >= BATCH * 4) break;
    reasons.push(await planAction(plan, action));
  }
  const more = reasons.length < actions.length;
  if (plan.changes.length === 0) return { changes: [], answer: { reasons, more: false } };
  const promisedBytes = Bytes.parse(host.value.promisedBytes + plan.promised);
  const changes = [
    ...plan.changes,
    HostRow.put({ ...host.value, promisedBytes }, expectationOf(host)),
    // A version that is deleted at this moment gets no more copies: its purge counts them once.
    versionCheck(servable),
  ];
  return { changes, answer: { reasons, more } };
}

function versionCheck({ row }: ServableVersion): Change {
  const { model, version } = row.value;
  return { kind: 'check', key: VersionRow.key(model, version), expect: { version: row.version } };
}

/** One round while it is put together. */
interface Plan {
  readonly deps: PlacementDeps;
  readonly wish: PlacementWish;
  readonly terms: CommandTerms;
  readonly host: Versioned<Host>;
  readonly servable: ServableVersion;
  readonly replicas: ReadonlyMap<Digest, Versioned<Replica>>;
  readonly facts: PlacementFacts;
  readonly changes: Change[];
  promised: number;
}

async function planAction(plan: Plan, action: PlacementAction): Promise<PlacementReason> {
  if (action.kind === 'prefetch') {
    return plan.replicas.get(action.digest)?.value.state === 'evicting'
      ? 'being-evicted'
      : planPrefetch(plan, action, newActionId('prefetch', plan.deps.random));
  }
  const held = action.reason === 'already-resident' || action.reason === 'already-filling';
  // A command names where to fetch what the host has lost meanwhile: nobody is ever told to fetch packed bytes.
  const isPacked = plan.servable.blobs.get(action.digest)?.value.origin.packed !== undefined;
  if (!held || isPacked) return action.reason;
  const named = await namingAction(plan, action.digest);
  return named === undefined ? action.reason : planNaming(plan, action, named);
}

function planPrefetch(
  plan: Plan,
  action: Extract<PlacementAction, { kind: 'prefetch' }>,
  actionId: ActionId,
): PlacementReason {
  const { reason } = action;
  const blob = plan.servable.blobs.get(action.digest);
  if (blob === undefined) return 'unknown-blob';
  const host = plan.host.value;
  const row = plan.replicas.get(action.digest);
  const replica: Replica = {
    digest: action.digest,
    location: hostLocation('nvme', host.id),
    host: { id: host.id, generation: host.generation },
    state: 'reserved',
    bytes: blob.value.size,
    versionId: blob.value.origin.versionId,
    actionId,
    pinned: row?.value.pinned ?? false,
    checkedAt: plan.terms.now,
  };
  plan.promised += blob.value.size;
  plan.changes.push(...prefetchChanges(plan, action, actionId, reason), ReplicaRow.put(replica, expectationOf(row)));
  return reason;
}

/**
 * The id of the command that tells a host this version's names for bytes which it holds for another one; `undefined` where the
 * host has been told or has not asked for the model.
 */
async function namingAction(plan: Plan, digest: Digest): Promise<ActionId | undefined> {
  const { host, wish, deps } = plan;
  if (host.value.state !== 'active') return undefined;
  if (!host.value.subscriptions.some((pattern) => subscribes(pattern, wish.model))) return undefined;
  const filledBy = plan.replicas.get(digest)?.value.actionId;
  const filled = filledBy === undefined ? undefined : await ActionRow.get(deps.catalog, filledBy);
  if (filled?.value.model === wish.model && filled.value.modelVersion === wish.version) return undefined;
  const name = `${wish.model}@${wish.version} ${digest} ${host.value.id}.${host.value.generation}`;
  const id = ActionId.parse(`prefetch-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`);
  return (await ActionRow.get(deps.catalog, id)) === undefined ? id : undefined;
}

function planNaming(plan: Plan, action: PlacementAction, actionId: ActionId): PlacementReason {
  plan.changes.push(...prefetchChanges(plan, action, actionId, 'named-anew'));
  return 'named-anew';
}

function prefetchChanges(
  plan: Plan,
  action: PlacementAction,
  actionId: ActionId,
  reason: PlacementReason,
): readonly Change[] {
  const { deps, wish, servable, host } = plan;
  const blob = servable.blobs.get(action.digest);
  if (blob === undefined) return [];
  const entries: ViewEntry[] = servable.version.files
    .filter((file) => file.digest === action.digest)
    .map(({ file, kind, role }) => ({
      model: wish.model,
      version: wish.version,
      file,
      kind,
      role,
      publishedAt: servable.version.publishedAt,
    }));
  const facts = plan.facts.hosts[0];
  // Between this read and the write no transition may have switched the origin, which the command names: a pin would come too late.
  const unmoved: Change = { kind: 'check', key: BlobRow.key(action.digest), expect: expectationOf(blob) };
  const changes = commandChanges(
    host.value,
    {
      actionId,
      command: {
        type: 'prefetch',
        digest: action.digest,
        size: blob.value.size,
        origin: toldOrigin(blob.value, host.value),
        entries: entries.slice(0, 50),
      },
      correlationId: wish.correlationId,
      reason,
      policy: `${deps.policy.version} ${deps.rates.prices.id}`,
      alternatives: action.alternatives.map(({ kind, usd }) => ({ action: kind, usd })),
      inputs: facts === undefined ? {} : recordPlacement(plan.facts, facts, action.digest, plan.terms.now),
      model: wish.model,
      modelVersion: wish.version,
      attempt: wish.attempt,
    },
    plan.terms,
  );
  return [...changes, unmoved];
}
