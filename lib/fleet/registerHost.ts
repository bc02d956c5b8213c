import { type HostSession, PROTOCOL_VERSIONS, type RegisterHost, RejoinHost } from '../../events/host-api/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import {
  type Decided,
  expectationOf,
  type Host,
  HostRow,
  type JoinToken,
  JoinTokenRow,
  outboxPut,
  settle,
  type Versioned,
} from '../catalog/index.ts';
import { CorrelationId, Generation, type HostId, hostQueue } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { CommandKeys } from '../shared/ports/commandKeys.ts';
import type { QueueAdmin } from '../shared/ports/messageQueue.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { Bytes, EpochMs } from '../shared/units.ts';
import { hostOfCaller } from './callerIdentity.ts';
import { decideRegistration, type HostProof, type RegistrationRefusal } from './decideRegistration.ts';
import type { HostCredentialIssuer } from './hostCredentials.ts';
import { openReport } from './hostReports.ts';
import { joinTokenHash } from './joinTokens.ts';
import { type ClockSkew, clockSkew, openSession, type SessionDeps } from './sessions.ts';

export interface RegistrationDeps extends Pick<SessionDeps, 'prices'> {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly queues: QueueAdmin;
  readonly commandKeys: CommandKeys;
  readonly hostCredentials: HostCredentialIssuer;
  readonly telemetry: Telemetry;
  readonly settings: {
    readonly heartbeatSeconds: number;
    readonly silentAfterMs: number;
    /** Roles whose sessions are hosts, by the session's name. */
    readonly agentRoleArns: readonly string[];
  };
}

export type RegistrationAnswer =
  | { readonly outcome: 'registered'; readonly session: HostSession }
  | ClockSkew
  | { readonly outcome: 'refused'; readonly reason: RegistrationRefusal };

/** Index entries of models that were published meanwhile may lag: the new host is looked at once more after this time. */
const SECOND_LOOK_SECONDS = 300;

/** By the join token of the request, which is spent in the same write. */
export async function joinHost(deps: RegistrationDeps, request: RegisterHost): Promise<RegistrationAnswer> {
  return register(deps, request, async () => {
    const token = await JoinTokenRow.get(deps.catalog, joinTokenHash(request.joinToken ?? ''));
    return {
      proof: { by: 'token', token: token?.value },
      spend: token === undefined ? [] : [spent(token, request.host)],
    };
  });
}

/** By the IAM identity that the gateway authenticated: a host of its own name and no other. */
export async function registerHost(
  deps: RegistrationDeps,
  request: RegisterHost,
  callerArn: string,
): Promise<RegistrationAnswer> {
  const host = hostOfCaller(callerArn, deps.settings.agentRoleArns);
  return register(deps, request, async () => ({ proof: { by: 'identity', host }, spend: [] }));
}

/** A host that restarts proves itself by the key of the generation that ends: the envelope names it, so it works once. */
export async function rejoinHost(deps: RegistrationDeps, envelope: SignedEnvelope): Promise<RegistrationAnswer> {
  const opened = await openReport(deps.catalog, envelope, RejoinHost);
  if (opened.outcome === 'stale') return { outcome: 'refused', reason: opened.reason };
  const { registration, generation, host: name, at } = opened.report;
  const skew = clockSkew(at, deps.clock.now());
  if (skew !== undefined) return skew;
  if (registration.host !== name) return { outcome: 'refused', reason: 'unknown-host' };
  return register(deps, registration, async () => ({ proof: { by: 'signature', generation }, spend: [] }));
}

function spent(token: Versioned<JoinToken>, host: HostId): Change {
  return JoinTokenRow.put({ ...token.value, usedBy: [...token.value.usedBy, host] }, expectationOf(token));
}

/**
 * Begins a new generation of a host: its queue first, then in one conditional write the host's row, the spent token and the
 * messages that fence what older generations left. The same key registering again is the same registration, since its answer
 * may have been lost: it begins nothing.
 */
async function register(
  deps: RegistrationDeps,
  request: RegisterHost,
  prove: () => Promise<{ readonly proof: HostProof; readonly spend: readonly Change[] }>,
): Promise<RegistrationAnswer> {
  const protocol = negotiate(request.protocols);
  if (protocol === undefined) return { outcome: 'refused', reason: 'unsupported-protocol' };
  const registered = await settle(
    deps.catalog,
    `Registering ${request.host}`,
    async (): Promise<Decided<Registered>> => {
      const row = await HostRow.get(deps.catalog, request.host);
      const { proof, spend } = await prove();
      const decided = decideRegistration(request, row?.value, proof, deps.clock.now());
      if (decided.decision === 'refuse') return { changes: [], answer: { refusal: decided.reason, by: proof.by } };
      if (decided.decision === 'repeat' && row !== undefined) {
        return { changes: [], answer: { host: row.value, by: proof.by } };
      }
      const host = nextGeneration(request, row?.value, protocol, deps.clock.now(), deps.settings.silentAfterMs);
      // Idempotent, and before the row: whoever reads the row may send.
      await deps.queues.create(host.queue);
      const changes = [HostRow.put(host, expectationOf(row)), ...spend, ...announcements(host)];
      return { changes, answer: { host, by: proof.by } };
    },
  );
  if (registered.host === undefined) {
    deps.telemetry.warn('registration refused', { host: request.host, by: registered.by, reason: registered.refusal });
    deps.telemetry.metric('RegistrationsRefused', 'Count', 1, { reason: registered.refusal });
    return { outcome: 'refused', reason: registered.refusal };
  }
  const { id, generation } = registered.host;
  deps.telemetry.info('host registered', { host: id, generation, protocol, by: registered.by });
  return { outcome: 'registered', session: await openSession(deps, registered.host) };
}

type Registered = { readonly by: HostProof['by'] } & (
  | { readonly host: Host; readonly refusal?: never }
  | { readonly host?: never; readonly refusal: RegistrationRefusal }
);

/** The highest protocol that both sides speak. */
function negotiate(offered: readonly number[]): number | undefined {
  return PROTOCOL_VERSIONS.filter((version) => offered.includes(version)).at(-1);
}

function nextGeneration(
  request: RegisterHost,
  last: Host | undefined,
  protocol: number,
  now: EpochMs,
  silentAfterMs: number,
): Host {
  const generation = Generation.parse((last?.generation ?? 0) + 1);
  const none = Bytes.parse(0);
  return {
    id: request.host,
    generation,
    state: 'active',
    publicKey: request.publicKey,
    protocol,
    queue: hostQueue(request.host, generation),
    ...(request.zone === undefined ? {} : { zone: request.zone }),
    labels: request.labels,
    subscriptions: request.subscriptions,
    capacityBytes: request.capacityBytes,
    usedBytes: none,
    reservedBytes: none,
    promisedBytes: none,
    volumeFreeBytes: none,
    measuredAt: EpochMs.parse(0),
    registeredAt: now,
    heartbeatAt: now,
    heartbeatSequence: 0,
    dueAt: EpochMs.parse(now + silentAfterMs),
  };
}

function announcements(host: Host): readonly Change[] {
  const life = `${host.id}.${host.generation}`;
  const correlationId = CorrelationId.parse(`host-${life}`);
  const subject = { host: host.id, generation: host.generation, correlationId };
  const now = host.registeredAt;
  return [
    outboxPut({ id: `fence-${life}`, queue: 'placement', body: { schema: 'fence-host/1', ...subject } }, now),
    outboxPut(
      {
        id: `second-look-${life}`,
        queue: 'placement',
        body: { schema: 'place-host/1', ...subject },
        delaySeconds: SECOND_LOOK_SECONDS,
      },
      now,
    ),
  ];
}
