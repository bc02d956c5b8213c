import {
  ACTION_SHARDS,
  type Action,
  ActionRow,
  type Decided,
  dueShards,
  expectationOf,
  HOST_SHARDS,
  type Host,
  HostRow,
  outboxPut,
  type Replica,
  ReplicaRow,
  settle,
  type Versioned,
  visitDue,
} from '../catalog/index.ts';
import { type ActionId, CorrelationId, type HostId, hostLocation } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { Bytes, DAY_MS, EpochMs } from '../shared/units.ts';
import { placeAgain, REAP_MARGIN_MS, retryChanges } from './decideRetry.ts';
import { ReapError } from './errors.ts';
import { promisedTo } from './settleReceipt.ts';

export interface ReapDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

const PAGE = 100;
/** Of each shard in one run; a run that does not get through goes on where the last one ended. */
const PAGES_PER_SHARD = 10;
const RESERVE_MS = 5_000;

/** A host that comes back after that registers again and is believed about whatever it reports. */
const RETIRE_AFTER_MS = DAY_MS;

export type HostReaping =
  /** Nobody expected it: an alarm counts these. */
  | 'silent'
  /** It was to leave, and is gone before it was empty. */
  | 'silent-draining'
  | 'retired'
  | 'heard-since';
export type ActionReaping = 'expired' | 'superseded' | 'tried-again' | 'ended-since';

/**
 * Every minute: hosts that were not heard become silent, those silent for a day retired, commands that nobody answered end, and
 * prefetches that failed too often in a row are decided anew after their pause. None of it removes anything from a host, so a clock that jumps costs a report at worst.
 * A row that fails is passed over, however many there are; then `ReapError` (retryable) is thrown at the end.
 */
export async function reap(deps: ReapDeps, remainingMs: () => number): Promise<void> {
  const failures: unknown[] = [];
  const now = deps.clock.now();
  const hosts = dueShards(HOST_SHARDS, (shard) => ({
    partition: `DUE#HOST#${shard}`,
    until: now,
    async visit(item) {
      const { id } = HostRow.parse(item).value;
      const reason = await reapHost(deps, id);
      if (reason !== 'heard-since') deps.telemetry.warn('host reaped', { host: id, reason });
      deps.telemetry.metric('HostReaped', 'Count', 1, { reason });
    },
  }));
  const actions = dueShards(ACTION_SHARDS, (shard) => ({
    partition: `DUE#ACTION#${shard}`,
    until: EpochMs.parse(Math.max(0, now - REAP_MARGIN_MS)),
    async visit(item) {
      const reason = await reapAction(deps, ActionRow.parse(item).value.actionId);
      deps.telemetry.metric('ActionReaped', 'Count', 1, { reason });
    },
  }));
  await visitDue(deps, [...hosts, ...actions], {
    pageItems: PAGE,
    pages: PAGES_PER_SHARD,
    enough: () => remainingMs() < RESERVE_MS,
    failed(error, { key }) {
      failures.push(error);
      deps.telemetry.metric('NotReaped', 'Count', 1);
      deps.telemetry.error('not reaped', error, { row: key.partition, sort: key.sort });
    },
  });
  if (failures.length === 0) return;
  throw new ReapError({
    code: 'not-reaped',
    message: `${failures.length} hosts or commands could not be reaped; see \`not reaped\` in the log. The next run tries again.`,
    retryable: true,
    cause: new AggregateError(failures),
  });
}

/** What becomes of a host that was not heard in time. */
export function decideReap(host: Host, now: EpochMs): HostReaping {
  if (host.state === 'retired' || host.dueAt > now) return 'heard-since';
  if (host.state === 'silent') return 'retired';
  return host.state === 'draining' || host.drainAsked === true ? 'silent-draining' : 'silent';
}

async function reapHost(deps: ReapDeps, id: HostId): Promise<HostReaping> {
  return settle(deps.catalog, `Reaping ${id}`, async (): Promise<Decided<HostReaping>> => {
    const row = await HostRow.get(deps.catalog, id);
    const now = deps.clock.now();
    const reason = row === undefined ? 'heard-since' : decideReap(row.value, now);
    if (row === undefined || reason === 'heard-since') return { changes: [], answer: 'heard-since' };
    const { generation, heartbeatSequence } = row.value;
    const name = `${reason}-${id}.${generation}.${heartbeatSequence}`;
    const body = { schema: 'fence-host/1', host: id, generation, correlationId: CorrelationId.parse(name) };
    const reaped: Host =
      reason === 'retired'
        ? { ...row.value, state: 'retired', promisedBytes: Bytes.parse(0) }
        : { ...row.value, state: 'silent', dueAt: EpochMs.parse(now + RETIRE_AFTER_MS) };
    return {
      changes: [HostRow.put(reaped, expectationOf(row)), outboxPut({ id: name, queue: 'placement', body }, now)],
      answer: reason,
    };
  });
}

async function reapAction(deps: ReapDeps, actionId: ActionId): Promise<ActionReaping> {
  return settle(deps.catalog, `Reaping ${actionId}`, async (): Promise<Decided<ActionReaping>> => {
    const action = await ActionRow.get(deps.catalog, actionId);
    const now = deps.clock.now();
    if (action !== undefined && action.value.state !== 'pending') return retryDue(action, now);
    if (action === undefined || action.value.expiresAt + REAP_MARGIN_MS > now) {
      return { changes: [], answer: 'ended-since' };
    }
    const host = action.value.host === undefined ? undefined : await HostRow.get(deps.catalog, action.value.host.id);
    const dead = host !== undefined && host.value.generation !== action.value.host?.generation;
    const state = dead ? 'superseded' : 'expired';
    const outcome = {
      at: now,
      code: state,
      text: dead ? 'A younger generation has begun.' : 'No receipt came in time.',
    };
    const retry = dead ? { changes: [] } : retryChanges(action.value, 'expired', now);
    const changes = [
      ActionRow.put({ ...action.value, state, outcome, retryAt: retry.retryAt }, expectationOf(action)),
      ...(host === undefined ? [] : await releaseCopy(deps.catalog, action.value, host)),
      ...retry.changes,
    ];
    return { changes, answer: state };
  });
}

/** A prefetch that failed too often in a row, after its pause. */
function retryDue(action: Versioned<Action>, now: EpochMs): Decided<ActionReaping> {
  const { retryAt } = action.value;
  if (retryAt === undefined || retryAt + REAP_MARGIN_MS > now) return { changes: [], answer: 'ended-since' };
  const tried = ActionRow.put({ ...action.value, retryAt: undefined }, expectationOf(action));
  return { changes: [tried, ...placeAgain(action.value, now, 0)], answer: 'tried-again' };
}

/** The copy that waited for the command: a fill gives its room back, an eviction leaves what only the host's list can tell. */
async function releaseCopy(store: CatalogStore, action: Action, host: Versioned<Host>): Promise<readonly Change[]> {
  if (action.digest === undefined) return [];
  const replica = await ReplicaRow.get(store, action.digest, hostLocation('nvme', host.value.id));
  if (replica === undefined || replica.value.actionId !== action.actionId) return [];
  const expect = { version: replica.version };
  const { state } = replica.value;
  if (state === 'evicting') return [ReplicaRow.put({ ...replica.value, state: 'unknown' }, expect)];
  if (state !== 'reserved') return [];
  const key = ReplicaRow.key(replica.value.digest, replica.value.location);
  return [{ kind: 'delete', key, expect }, ...releasePromise(host, replica.value)];
}

function releasePromise(host: Versioned<Host>, replica: Replica): readonly Change[] {
  const promised = promisedTo(replica, host.value);
  if (promised === 0) return [];
  const promisedBytes = Bytes.parse(host.value.promisedBytes - promised);
  return [HostRow.put({ ...host.value, promisedBytes }, expectationOf(host))];
}
