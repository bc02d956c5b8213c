import {
  ActionRow,
  type Decided,
  expectationOf,
  type Host,
  HostRow,
  type Replica,
  ReplicaRow,
  settle,
  type Versioned,
} from '../catalog/index.ts';
import { type ActionId, type CorrelationId, type Digest, type HostId, hostLocation } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { CommandKeys } from '../shared/ports/commandKeys.ts';
import type { Random } from '../shared/ports/random.ts';
import type { Bytes } from '../shared/units.ts';
import { type CommandTerms, commandChanges, newActionId } from './commands.ts';

export interface OperatorDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly commandKeys: CommandKeys;
  readonly settings: { readonly commandTtlMs: number };
}

/** What an operator may ask of one host; `prefetch` is placement's. */
export type OperatorCommand =
  | { readonly type: 'pin' | 'unpin' | 'evict' | 'verify'; readonly digest: Digest }
  | { readonly type: 'drain' | 'report' }
  | { readonly type: 'resize'; readonly capacityBytes: Bytes };

export type OperatorRefusal =
  | 'unknown-host'
  /** Silent or retired: nobody would take the command. */
  | 'host-not-listening'
  | 'not-resident'
  | 'pinned'
  /** Another command about this copy has no receipt yet. */
  | 'busy';

export type OperatorAnswer =
  | { readonly outcome: 'commanded'; readonly actionId: ActionId }
  | { readonly outcome: 'refused'; readonly reason: OperatorRefusal };

export interface OperatorRequest {
  readonly host: HostId;
  readonly command: OperatorCommand;
  readonly correlationId: CorrelationId;
  /** Decide and answer, but write and send nothing. */
  readonly dryRun?: boolean;
  /** Kept in its decision; an operator's wish where nothing is said. */
  readonly reason?: string;
}

/**
 * Commands one host for an operator. A drain takes effect on placement at once; every other effect waits for the host's receipt.
 * An eviction marks the copy first, so that nothing is placed on it meanwhile; the origin copy is never touched.
 */
export async function commandHost(deps: OperatorDeps, request: OperatorRequest): Promise<OperatorAnswer> {
  const actionId = newActionId(request.command.type, deps.random);
  return settle(deps.catalog, `Commanding ${request.host}`, async (): Promise<Decided<OperatorAnswer>> => {
    // A lost answer of an earlier try that did commit.
    if ((await ActionRow.get(deps.catalog, actionId)) !== undefined) {
      return { changes: [], answer: { outcome: 'commanded', actionId } };
    }
    const { command } = request;
    const host = await HostRow.get(deps.catalog, request.host);
    const replica =
      'digest' in command
        ? await ReplicaRow.get(deps.catalog, command.digest, hostLocation('nvme', request.host))
        : undefined;
    const refusal = operatorRefusal(command, host?.value, replica?.value);
    if (host === undefined || refusal !== undefined) {
      return { changes: [], answer: { outcome: 'refused', reason: refusal ?? 'unknown-host' } };
    }
    const answer = { outcome: 'commanded', actionId } as const;
    if (request.dryRun === true) return { changes: [], answer };
    const key = await deps.commandKeys.current();
    const terms: CommandTerms = { key, now: deps.clock.now(), ttlMs: deps.settings.commandTtlMs };
    return { changes: operatorChanges(request, actionId, host, replica, terms), answer };
  });
}

export function operatorRefusal(
  command: OperatorCommand,
  host: Host | undefined,
  replica: Replica | undefined,
): OperatorRefusal | undefined {
  if (host === undefined) return 'unknown-host';
  if (host.state === 'silent' || host.state === 'retired') return 'host-not-listening';
  if (!('digest' in command)) return undefined;
  if (replica === undefined || replica.host?.generation !== host.generation) return 'not-resident';
  if (replica.state === 'reserved' || replica.state === 'evicting') return 'busy';
  return command.type === 'evict' && replica.pinned ? 'pinned' : undefined;
}

function operatorChanges(
  request: OperatorRequest,
  actionId: ActionId,
  host: Versioned<Host>,
  replica: Versioned<Replica> | undefined,
  terms: CommandTerms,
): readonly Change[] {
  const { command, correlationId } = request;
  const changes = commandChanges(
    host.value,
    {
      actionId,
      command,
      correlationId,
      reason: request.reason ?? 'operator',
      policy: 'operator',
      alternatives: [],
      inputs: { decision: 'operator', command: { ...command }, host: host.value.id },
    },
    terms,
  );
  const state: Replica['state'] | undefined = command.type === 'evict' ? 'evicting' : replica?.value.state;
  const ofHost: Host = command.type === 'drain' ? { ...host.value, state: 'draining', drainAsked: true } : host.value;
  return [
    ...changes,
    // Written even when unchanged: the command must be of the generation that was read.
    HostRow.put(ofHost, expectationOf(host)),
    ...(replica === undefined || state === undefined
      ? []
      : [ReplicaRow.put({ ...replica.value, state, actionId }, expectationOf(replica))]),
  ];
}
