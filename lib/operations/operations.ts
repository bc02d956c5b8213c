import { SET_METADATA } from '../../events/upload-set/v1.ts';
import type { SealObjects } from '../audit/index.ts';
import {
  deprecateVersion,
  HOST_SHARDS,
  type Host,
  HostRow,
  listModels,
  listServiceLevels,
  promoteAlias,
  requireModel,
  removeAlias,
  rollbackAlias,
  ServiceLevelRow,
  setServiceLevel,
  type Upload,
  UploadRow,
} from '../catalog/index.ts';
import { createJoinToken, listJoinTokens, type OperatorDeps, revokeJoinToken } from '../fleet/index.ts';
import { releaseUpload, startRescan } from '../ingest/index.ts';
import { createPricesInForce, type PricesDeps } from '../priceBooks/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import { beginPlan, type Configured, judgingNow } from '../tiering/index.ts';
import { Bytes, MINUTE_MS } from '../shared/units.ts';
import { listBrokenPromises } from './brokenPromises.ts';
import { showAudit, verifyAudit } from './audit.ts';
import type { OperationInput, OperationOutput, Operations } from './contract.ts';
import { sendHostCommand } from './commandHost.ts';
import { redriveDeadLetters, showDeadLetters, view } from './deadLetters.ts';
import { deletedVersions, runDelete, runHold, runUndo } from './deletion.ts';
import { doctor, type DoctorDeps } from './doctor.ts';
import { explain } from './explain.ts';
import { listHostActions, showActions } from './hostActions.ts';
import { showHostMetrics } from './hostMetrics.ts';
import { listNotices } from './notices.ts';
import type { DeadLetters } from './ports.ts';
import { acceptPriceBook, showPrices } from './prices.ts';
import { restoreVersion } from './restoreVersion.ts';
import { listRunMoves, listRuns } from './runs.ts';
import { showStorage } from './storage.ts';
import { listRetired, listStored } from './stored.ts';
import { acceptTierPolicy, showTierPolicy } from './tierPolicy.ts';
import { applyTier, explainTiers, listExpiryRuns, planTiers } from './tiers.ts';
import { showModel, showVersion, versionView } from './showModel.ts';
import { HostView } from './views.ts';

export interface OperationsDeps extends OperatorDeps, PricesDeps {
  readonly settings: OperatorDeps['settings'] & PricesDeps['settings'];
  readonly objects: ObjectStore;
  /** Where the seals of the audit trail lie, where the caller knows. */
  readonly seals: SealObjects | undefined;
  readonly deadLetters: DeadLetters;
  readonly workQueues: DoctorDeps['workQueues'];
  readonly room?: DoctorDeps['room'];
  /** What sweeps are configured with, where the caller is the plane itself; else its sweeps have noted it. */
  readonly configured?: Configured | undefined;
}

/** The operations over the stores themselves. They throw the errors of the capabilities that they call. */
export function createOperations(deps: OperationsDeps): Operations {
  const { catalog, clock, deadLetters } = deps;
  const pricesInForce = createPricesInForce(deps);
  return {
    async listModels({ limit, nextToken }) {
      const { models, cursor } = await listModels(catalog, limit, nextToken);
      const items = models.map(({ name, newest, versions, updatedAt }) => ({ name, newest, versions, updatedAt }));
      return { items, ...(cursor === undefined ? {} : { nextToken: cursor }) };
    },
    showModel: ({ reference }) => showModel(catalog, reference),
    showVersion: async ({ reference }) => ({ files: [...(await showVersion(catalog, reference))] }),
    explain: ({ reference }) => explain(catalog, reference),
    listUploads: (input) => listUploads(catalog, input),
    inspectUpload: ({ key }) => inspectUpload(deps, key),
    releaseUpload: (input) => releaseUpload(deps, input),
    startRescan: () => startRescan(deps),
    showAudit: (input) => showAudit(catalog, input),
    verifyAudit: (input) => verifyAudit(deps, input),
    listExpiryRuns: (input) => listExpiryRuns({ catalog }, input),
    listNotices: (input) => listNotices(catalog, input, clock.now()),
    listHosts: async () => ({ items: [...(await listHosts(catalog))] }),
    showHostMetrics: async ({ hosts }) => ({ items: await showHostMetrics(catalog, hosts, clock.now()) }),
    promoteAlias: (input) => promoteAlias(catalog, { ...input, now: clock.now() }),
    rollbackAlias: (input) => rollbackAlias(catalog, { ...input, now: clock.now() }),
    removeAlias: (input) => removeAlias(catalog, input),
    deprecateVersion: async (input) => versionView(await deprecateVersion(catalog, { ...input, now: clock.now() })),
    planTiers: (input) => planTiers(deps, input),
    showStorage: (input) => showStorage(deps, input),
    listRuns: (input) => listRuns(deps, input),
    listRunMoves: (input) => listRunMoves(deps, input),
    listStored: (input) => listStored(deps, input),
    listRetired: (input) => listRetired(deps, input),
    beginPlan: async (input) => ({ items: [...(await beginPlan(deps, input))] }),
    applyTier: async (input) => applyTier({ ...deps, rates: await pricesInForce() }, input),
    explainTiers: (input) => explainTiers(deps, input),
    showPrices: () => showPrices(deps),
    acceptPrices: (input) => acceptPriceBook(deps, input),
    showJudging: ({ policy }) => judgingNow(catalog, deps.configured, policy),
    showTierPolicy: () => showTierPolicy(deps),
    acceptTierPolicy: (input) => acceptTierPolicy(deps, input),
    restoreVersion: (input) => restoreVersion(deps, input),
    deleteVersion: (input) => runDelete(deps, input),
    undoDelete: (input) => runUndo(deps, input),
    listDeleted: async ({ model }) => ({ items: await deletedVersions(catalog, model) }),
    holdVersion: (input) => runHold(deps, input),
    listDeadLetters: async () => ({ items: (await deadLetters.list()).map(view) }),
    redriveDeadLetters: (input) => redriveDeadLetters(deadLetters, input),
    showDeadLetters: (input) => showDeadLetters(deadLetters, input),
    async listServiceLevels({ limit, nextToken }) {
      const { levels, cursor } = await listServiceLevels(catalog, limit, nextToken);
      return { items: [...levels], ...(cursor === undefined ? {} : { nextToken: cursor }) };
    },
    async showServiceLevel({ model }) {
      const level = await ServiceLevelRow.get(catalog, model);
      if (level !== undefined) return { items: [level.value] };
      await requireModel(catalog, model);
      return { items: [] };
    },
    listBrokenPromises: (input) => listBrokenPromises(deps, input),
    setServiceLevel: (input) => setServiceLevel(catalog, { ...input, now: clock.now() }),
    async listJoinTokens({ limit, nextToken }) {
      const { tokens, cursor } = await listJoinTokens(deps, limit, nextToken);
      return { items: [...tokens], ...(cursor === undefined ? {} : { nextToken: cursor }) };
    },
    revokeJoinToken: (input) => revokeJoinToken(deps, input),
    createJoinToken: ({ hosts, uses, validMinutes }) =>
      createJoinToken(deps, { hosts, uses, ttlMs: validMinutes * MINUTE_MS }),
    commandHost: (input) => sendHostCommand(deps, input),
    showActions: async (input) => ({ items: await showActions(catalog, input) }),
    listHostActions: async (input) => ({ items: await listHostActions(catalog, input) }),
    doctor: async () => ({
      items: [...(await doctor({ ...deps, listHosts: () => listHosts(catalog) }, clock.now()))],
    }),
  };
}

async function inspectUpload(
  { catalog, objects }: Pick<OperationsDeps, 'catalog' | 'objects'>,
  key: string,
): Promise<OperationOutput<'inspectUpload'>> {
  const answer = await objects.head(key);
  if (answer.outcome === 'absent') return {};
  const { versionId, size, metadata } = answer.head;
  const upload = (await UploadRow.get(catalog, key, versionId))?.value;
  const set = metadata[SET_METADATA];
  return {
    current: { versionId, size: Bytes.parse(size), ...(set === undefined ? {} : { set }) },
    ...(upload === undefined ? {} : { upload }),
  };
}

/** Uploads in one state, newest first. */
async function listUploads(
  catalog: CatalogStore,
  { state, limit, nextToken }: OperationInput<'listUploads'>,
): Promise<{ items: Upload[]; nextToken?: string }> {
  const page = await catalog.queryIndex('listing', {
    partition: `UPLOADS#${state}`,
    limit,
    descending: true,
    ...(nextToken === undefined ? {} : { cursor: nextToken }),
  });
  const items = page.items.map((item) => UploadRow.parse(item).value);
  return page.cursor === undefined ? { items } : { items, nextToken: page.cursor };
}

async function listHosts(catalog: CatalogStore): Promise<readonly HostView[]> {
  const hosts: Host[] = [];
  for (let shard = 0; shard < HOST_SHARDS; shard += 1) {
    let cursor: string | undefined;
    do {
      const partition = `HOSTS#${shard}`;
      const page = await catalog.queryIndex('listing', {
        partition,
        limit: 1000,
        ...(cursor === undefined ? {} : { cursor }),
      });
      hosts.push(...page.items.map((item) => HostRow.parse(item).value));
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return hosts.map((host) => HostView.parse(host)).sort((a, b) => (a.id < b.id ? -1 : 1));
}
