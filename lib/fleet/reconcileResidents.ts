import { createHash } from 'node:crypto';
import type { HostHeartbeat } from '../../events/host-heartbeat/v1.ts';
import {
  ActionRow,
  type Blob,
  BlobRow,
  expectationOf,
  type Host,
  HostRow,
  type Replica,
  ReplicaRow,
  sendOnce,
  settle,
  type Versioned,
} from '../catalog/index.ts';
import type { Scanner } from '../scanning/index.ts';
import { ActionId, CorrelationId, type Digest, hostLocation } from '../shared/ids.ts';
import type { CatalogStore, Change, Item } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { CommandKeys } from '../shared/ports/commandKeys.ts';
import type { Random } from '../shared/ports/random.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { HOUR_MS } from '../shared/units.ts';
import { keepBlob } from './keepBlob.ts';
import { type CommandDecision, type CommandTerms, commandChanges, newActionId } from './commands.ts';
import { decideResident, type ResidentReason, type ResidentReport } from './decideResidents.ts';
import { serveRefusal } from './servable.ts';

export interface HeartbeatDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly commandKeys: CommandKeys;
  readonly scanner: Pick<Scanner, 'rules'>;
  readonly settings: { readonly commandTtlMs: number; readonly silentAfterMs: number };
}

/** Copies that one heartbeat may change; the rest waits for the next list. */
const CHANGES_PER_REPORT = 1000;

/** `foreign`: bytes on the host that the catalog does not know or that may not be served; they are unpinned and evicted. */
export type ReconcileReason = ResidentReason | 'adopted' | 'foreign' | 'stale-report';

/**
 * Makes the catalog's copies on one host equal to the host's own list. Each copy is re-read by key, decided and written by
 * itself, so that one lost race costs one copy's turn only.
 */
export async function reconcileResidents(
  deps: HeartbeatDeps,
  host: Host,
  heartbeat: HostHeartbeat,
): Promise<ReadonlyMap<ReconcileReason, number>> {
  const report: ResidentReport = {
    residents: new Set(heartbeat.residents ?? []),
    pinned: heartbeat.pinned === undefined ? undefined : new Set(heartbeat.pinned),
    generation: host.generation,
    at: heartbeat.at,
  };
  const listed = await queryListed(deps.catalog, host);
  const known = new Set<Digest>();
  const counts = new Map<ReconcileReason, number>();
  let left = CHANGES_PER_REPORT;
  const count = (reason: ReconcileReason) => {
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
    if (reason !== 'as-known' && reason !== 'left-alone') left -= 1;
  };
  for (const item of listed) {
    const replica = ReplicaRow.parse(item).value;
    known.add(replica.digest);
    const glance = decideResident(replica, report);
    count(glance === 'as-known' || left <= 0 ? 'as-known' : await repair(deps, host, report, replica.digest));
  }
  for (const digest of report.residents) {
    if (!known.has(digest) && left > 0) count(await repair(deps, host, report, digest));
  }
  if ((counts.get('lost') ?? 0) > 0) await placeAgain(deps, host, heartbeat);
  if (left <= 0) await askAgain(deps, host);
  for (const [reason, value] of counts) deps.telemetry.metric('ResidentReconciled', 'Count', value, { reason });
  return counts;
}

async function queryListed(store: CatalogStore, host: Host): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.queryIndex('listing', {
      partition: `HOSTBLOBS#${host.id}`,
      limit: 1000,
      ...(cursor === undefined ? {} : { cursor }),
    });
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return items;
}

/** Re-reads one copy and makes it what the list says; loses against whatever newer the host has sent meanwhile. */
async function repair(
  deps: HeartbeatDeps,
  host: Host,
  report: ResidentReport,
  digest: Digest,
): Promise<ReconcileReason> {
  const key = await deps.commandKeys.current();
  return settle(deps.catalog, `Reconciling ${host.id}`, async () => {
    const current = await HostRow.get(deps.catalog, host.id);
    const { generation, heartbeatSequence } = current?.value ?? {};
    if (current === undefined || generation !== host.generation || heartbeatSequence !== host.heartbeatSequence) {
      return { changes: [], answer: 'stale-report' };
    }
    const blob = await BlobRow.get(deps.catalog, digest);
    const row = await ReplicaRow.get(deps.catalog, digest, hostLocation('nvme', host.id));
    const reason = row === undefined ? judgeExtra(blob?.value, deps.scanner.rules) : decideResident(row.value, report);
    const terms = { key, now: deps.clock.now(), ttlMs: deps.settings.commandTtlMs };
    const changes = await repairChanges(deps, { host: current.value, report, digest, row, blob }, reason, terms);
    // Under a check of the host's row, so that a registration or a newer list in between wins.
    const check: Change = { kind: 'check', key: HostRow.key(host.id), expect: { version: current.version } };
    return { changes: changes.length === 0 ? [] : [...changes, check], answer: reason };
  });
}

/** Rules that changed since do not call clean bytes back: nothing new is sent by them until they are judged again. */
function judgeExtra(blob: Blob | undefined, rules: string): 'adopted' | 'foreign' {
  const refusal = serveRefusal(blob, rules);
  return refusal === undefined || refusal === 'stale-rules' ? 'adopted' : 'foreign';
}

interface Repair {
  readonly host: Host;
  readonly report: ResidentReport;
  readonly digest: Digest;
  readonly row: Versioned<Replica> | undefined;
  readonly blob: Versioned<Blob> | undefined;
}

async function repairChanges(
  deps: HeartbeatDeps,
  { host, report, digest, row, blob }: Repair,
  reason: ResidentReason | 'adopted' | 'foreign',
  terms: CommandTerms,
): Promise<readonly Change[]> {
  const location = hostLocation('nvme', host.id);
  switch (reason) {
    case 'as-known':
    case 'left-alone':
      return [];
    case 'lost':
      return row === undefined
        ? []
        : [{ kind: 'delete', key: ReplicaRow.key(digest, location), expect: { version: row.version } }];
    case 'confirmed':
    case 'pin-differs':
    case 'adopted': {
      if (blob === undefined) return [];
      const { versionId, actionId, pinned } = row?.value ?? {};
      const replica: Replica = {
        digest,
        location,
        host: { id: host.id, generation: host.generation },
        state: 'verified',
        bytes: blob.value.size,
        versionId: versionId ?? blob.value.origin.versionId,
        ...(actionId === undefined ? {} : { actionId }),
        pinned: report.pinned?.has(digest) ?? pinned ?? false,
        checkedAt: report.at,
      };
      return [ReplicaRow.put(replica, expectationOf(row)), keepBlob(blob, row)];
    }
    case 'foreign':
      return evictForeign(deps.catalog, host, digest, report.pinned?.has(digest) ?? false, terms);
  }
}

/**
 * Asked for once an hour and generation, however often the host lists the bytes: an earlier command may have ended without effect. A
 * pin goes first, since the host would refuse: it keeps one while it fetches a broken copy again, and a purge may end the blob
 * meanwhile. The list that shows it unpinned has it evicted.
 */
async function evictForeign(
  store: CatalogStore,
  host: Host,
  digest: Digest,
  pinned: boolean,
  terms: CommandTerms,
): Promise<readonly Change[]> {
  const type = pinned ? 'unpin' : 'evict';
  const name = `${host.id}.${host.generation} ${digest} ${Math.floor(terms.now / HOUR_MS)}`;
  const actionId = ActionId.parse(`${type}-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`);
  if ((await ActionRow.get(store, actionId)) !== undefined) return [];
  const decision = {
    actionId,
    command: { type, digest } as const,
    correlationId: CorrelationId.parse(actionId),
    reason: 'not-in-catalog',
    policy: 'reconcile-1',
    alternatives: [],
    inputs: { decision: 'reconcile', digest, host: host.id, generation: host.generation },
  };
  return commandChanges(host, decision, terms);
}

/** A copy that vanished may be wanted: the host is looked at once more for each list that lost one. */
async function placeAgain(deps: HeartbeatDeps, host: Host, heartbeat: HostHeartbeat): Promise<void> {
  const id = `${host.id}.${host.generation}.${heartbeat.sequence}`;
  const correlationId = CorrelationId.parse(`heartbeat-${id}`);
  const body = { schema: 'place-host/1', host: host.id, generation: host.generation, correlationId };
  await sendOnce(deps, { scope: 'place-lost', id }, { queue: 'placement', body });
}

/** More differed than one report may change: ask for the list again. */
async function askAgain(deps: HeartbeatDeps, host: Host): Promise<void> {
  const terms = { key: await deps.commandKeys.current(), now: deps.clock.now(), ttlMs: deps.settings.commandTtlMs };
  await deps.catalog.transact(
    commandChanges(host, reconcileDecision(deps.random, host, 'report', 'list-too-long'), terms),
  );
}

/** The decision to ask a host for the list of what it holds, or once more for the drain that an operator wants. */
export function reconcileDecision(
  random: Random,
  host: Host,
  type: 'report' | 'drain',
  reason: 'list-too-long' | 'back-from-silence',
): CommandDecision {
  const actionId = newActionId(type, random);
  return {
    actionId,
    command: { type },
    correlationId: CorrelationId.parse(actionId),
    reason,
    policy: 'reconcile-1',
    alternatives: [],
    inputs: { decision: 'reconcile', host: host.id, generation: host.generation },
  };
}
