import type { FenceHost } from '../../events/fence-host/v1.ts';
import {
  type Action,
  ActionRow,
  type Decided,
  expectationOf,
  type Host,
  HostRow,
  type Replica,
  ReplicaRow,
  sendOnce,
  settle,
} from '../catalog/index.ts';
import { type ActionId, Generation, hostLocation, hostQueue } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { QueueAdmin } from '../shared/ports/messageQueue.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { EpochMs } from '../shared/units.ts';

export interface FenceDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly queues: QueueAdmin;
  readonly telemetry: Telemetry;
}

const REPLICAS_PER_MESSAGE = 50;
const HOST_ACTIONS = 100;

export type FenceReason =
  /** A fill that nobody will finish: its room is given back. */
  | 'fill-ended'
  /** Measured under an older generation, or by a host that is silent now: believed again when the host reports it. */
  | 'unknown-until-reported'
  /** The host is retired and empty. */
  | 'retired'
  | 'believed';

/** What a copy is worth after its host's registration, silence or retirement. */
export function decideFence(replica: Replica, host: Host): FenceReason {
  if (host.state === 'retired') return 'retired';
  const filling = replica.state === 'reserved';
  if (replica.host?.generation !== host.generation) {
    if (filling) return 'fill-ended';
    return replica.state === 'unknown' ? 'believed' : 'unknown-until-reported';
  }
  return host.state === 'silent' && replica.state === 'verified' ? 'unknown-until-reported' : 'believed';
}

/**
 * Ends what is dead of a host: the queue of the last generation, its fills, the belief in its copies, its pending actions. Runs after
 * each registration, silence and retirement, a page of replicas a message; every step may be repeated.
 */
export async function fenceHost(deps: FenceDeps, message: FenceHost): Promise<'fenced' | 'stale-generation'> {
  // Even when a younger generation has overtaken the message: its own fence drops this generation's queue and no older one.
  if (message.cursor === undefined) await dropLastQueue(deps, message);
  const row = await HostRow.get(deps.catalog, message.host);
  if (row?.value.generation !== message.generation) return 'stale-generation';
  const host = row.value;
  if (message.cursor === undefined) {
    if (host.state === 'retired') await deps.queues.drop(host.queue);
    await supersedeHostActions(deps, host);
  }
  const page = await deps.catalog.queryIndex('listing', {
    partition: `HOSTBLOBS#${host.id}`,
    limit: REPLICAS_PER_MESSAGE,
    ...(message.cursor === undefined ? {} : { cursor: message.cursor }),
  });
  for (const item of page.items) await fenceReplica(deps, message, ReplicaRow.parse(item).value);
  if (page.cursor !== undefined) {
    const id = [host.id, host.generation, host.state, message.correlationId, page.cursor].join(' ');
    const body = { ...message, cursor: page.cursor };
    await sendOnce(deps, { scope: 'fence-host', id }, { queue: 'placement', body });
  }
  return 'fenced';
}

/** The queue's name holds the generation, so a generation that begins never waits for the end of the one before. */
async function dropLastQueue(deps: FenceDeps, { host, generation }: FenceHost): Promise<void> {
  if (generation > 1) await deps.queues.drop(hostQueue(host, Generation.parse(generation - 1)));
}

async function fenceReplica(deps: FenceDeps, message: FenceHost, listed: Replica): Promise<void> {
  const reason = await settle(deps.catalog, `Fencing ${message.host}`, async (): Promise<Decided<FenceReason>> => {
    const host = await HostRow.get(deps.catalog, message.host);
    const replica = await ReplicaRow.get(deps.catalog, listed.digest, hostLocation('nvme', message.host));
    // A younger generation has a fence of its own.
    if (host?.value.generation !== message.generation || replica === undefined) {
      return { changes: [], answer: 'believed' };
    }
    const reason = decideFence(replica.value, host.value);
    if (reason === 'believed') return { changes: [], answer: reason };
    const key = ReplicaRow.key(replica.value.digest, replica.value.location);
    const expect = { version: replica.version };
    const change: Change =
      reason === 'unknown-until-reported'
        ? ReplicaRow.put({ ...replica.value, state: 'unknown' }, expect)
        : { kind: 'delete', key, expect };
    const ended = await supersede(deps.catalog, replica.value.actionId, host.value, deps.clock.now());
    // The host's row is checked so that a heartbeat of a host that comes back is not overlooked.
    const check: Change = { kind: 'check', key: HostRow.key(host.value.id), expect: { version: host.version } };
    return { changes: [change, check, ...ended], answer: reason };
  });
  if (reason !== 'believed') deps.telemetry.metric('ReplicaFenced', 'Count', 1, { reason });
}

/** Actions without a blob (drain, resize, report) are found by their host. */
async function supersedeHostActions(deps: FenceDeps, host: Host): Promise<void> {
  const page = await deps.catalog.queryIndex('listing', {
    partition: `ACTIONS#HOST#${host.id}`,
    descending: true,
    limit: HOST_ACTIONS,
  });
  for (const item of page.items) {
    const { actionId } = ActionRow.parse(item).value;
    await settle(deps.catalog, `Superseding ${actionId}`, async () => ({
      changes: await supersede(deps.catalog, actionId, host, deps.clock.now()),
      answer: undefined,
    }));
  }
}

/** The change that ends a pending action of a dead generation; none where there is nothing to end. */
async function supersede(
  store: CatalogStore,
  actionId: ActionId | undefined,
  host: Host,
  now: EpochMs,
): Promise<readonly Change[]> {
  const row = actionId === undefined ? undefined : await ActionRow.get(store, actionId);
  if (row === undefined || row.value.state !== 'pending' || !isDead(row.value, host)) return [];
  const outcome = { at: now, code: 'superseded', text: `Host ${host.id} is in generation ${host.generation} now.` };
  return [ActionRow.put({ ...row.value, state: 'superseded', outcome }, expectationOf(row))];
}

function isDead(action: Action, host: Host): boolean {
  return action.host !== undefined && (action.host.generation < host.generation || host.state === 'retired');
}
