import type { HostCredentials, HostSession, Problem, RegisterHost } from '../../events/host-api/v1.ts';
import { PROTOCOL_VERSIONS } from '../../events/host-api/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { type AgentPlane, generateKeyPair, hostKeyId, type PlaneAnswer, signEnvelope } from '../../lib/fleet/index.ts';
import type { Json } from '../../lib/shared/canonicalJson.ts';
import { errorText, PortError } from '../../lib/shared/errors.ts';
import { Generation } from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import type { Random } from '../../lib/shared/ports/random.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { type KeptSession, readSessionFile, type SessionFile, writeSessionFile } from './sessionFile.ts';

/*
 * unregistered → registered → (refreshed …) → refused by the plane → registered anew, under the next generation: proven by the
 * key of the generation that ended where the plane still knows it, otherwise as at the first time. A restart continues the
 * generation that is kept on the disk; only its credentials are asked for again.
 */
export interface Session {
  /** What the host is registered as; undefined before the first registration. */
  current(): KeptSession | undefined;
  /** Whether this incarnation holds credentials that it may use now. */
  connected(): boolean;
  /** Registers or refreshes where that is due. False: the plane could not be reached or refused; try again later. */
  step(): Promise<boolean>;
  /** Makes the next step refresh: the plane's keys have changed, or our rights were refused. */
  renewSoon(): void;
  /** Signs in the name of the current generation. */
  sign(payload: Json): SignedEnvelope;
}

export interface SessionDeps {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly plane: AgentPlane;
  /** Hands newly issued rights to the adapters that use them. */
  readonly useCredentials: (credentials: HostCredentials) => void;
  /** Told the price books of the plane whenever it has named them. */
  readonly usePrices: (books: string) => void;
  /** Awaited before a new generation is used. */
  readonly onNewGeneration: (generation: Generation) => Promise<void>;
}

export type HostDescription = Omit<RegisterHost, 'protocols' | 'publicKey'>;

type Current = NonNullable<SessionFile['current']>;
type KeyPair = NonNullable<SessionFile['next']>;

export async function openSession(deps: SessionDeps, host: HostDescription): Promise<Session> {
  const read = await readSessionFile(deps.disk);
  // A store that was copied from another host, or renamed, starts as a new host.
  let kept: SessionFile = read.current?.session.host === host.host ? read : { ...read, current: undefined };
  /** When the credentials of this incarnation are due for renewal; undefined while it has none. */
  let refreshAt: number | undefined;

  async function keep(file: SessionFile): Promise<void> {
    await writeSessionFile(deps.disk, file);
    kept = file;
  }

  async function adopt(keys: KeyPair, answered: HostSession): Promise<void> {
    const { credentials, prices, ...session } = answered;
    if (kept.current?.session.generation !== session.generation) {
      await deps.onNewGeneration(session.generation);
      deps.telemetry.info('host-registered', { generation: session.generation });
    }
    await keep({ schema: 'agent-session/1', current: { keys, session } });
    deps.useCredentials(credentials);
    if (prices !== undefined) deps.usePrices(prices);
    const now = deps.clock.now();
    refreshAt = now + (credentials.expiresAt - now) / 2;
  }

  async function nextKeys(): Promise<KeyPair> {
    if (kept.next !== undefined) return kept.next;
    const { privateKey, publicKey } = generateKeyPair('next', deps.random);
    await keep({ ...kept, next: { privateKey, publicKey } });
    return { privateKey, publicKey };
  }

  async function register(ended: Current | undefined): Promise<boolean> {
    const offered = kept.next;
    const keys = await nextKeys();
    const registration = { ...host, protocols: [...PROTOCOL_VERSIONS], publicKey: keys.publicKey };
    if (ended !== undefined) {
      const { host: id, generation } = ended.session;
      const at = deps.clock.now();
      const rejoin = { schema: 'rejoin-host/1', host: id, generation, at, registration } as const;
      const answer = await deps.plane.rejoin(signAs(ended, rejoin));
      if (answer.outcome === 'answered' || answer.problem.code === 'clock-skew') return adopted(keys, answer);
      const begun = offered === undefined ? undefined : await claim(offered, ended);
      if (begun?.outcome === 'answered' || begun?.problem.code === 'clock-skew') return adopted(offered ?? keys, begun);
    }
    return adopted(keys, await deps.plane.register(registration));
  }

  /** The generation may have begun, and its answer been lost: then the keys that were offered for it are the host's. */
  async function claim(keys: KeyPair, { session }: Current): Promise<PlaneAnswer<HostSession>> {
    return renew({ keys, session: { ...session, generation: Generation.parse(session.generation + 1) } });
  }

  function renew(current: Current): Promise<PlaneAnswer<HostSession>> {
    const { host: id, generation } = current.session;
    const request = { schema: 'refresh-session/1', host: id, generation, at: deps.clock.now() } as const;
    return deps.plane.refresh(signAs(current, request));
  }

  async function refresh(current: Current): Promise<boolean> {
    const answer = await renew(current);
    if (answer.outcome === 'answered' || !OVER.has(answer.problem.code)) return adopted(current.keys, answer);
    const { code, title, hint } = answer.problem;
    deps.telemetry.warn('session-over', { code, title, hint });
    return register(current);
  }

  async function adopted(keys: KeyPair, answer: PlaneAnswer<HostSession>): Promise<boolean> {
    if (answer.outcome === 'answered') {
      await adopt(keys, answer.value);
      return true;
    }
    const { code, title, hint } = answer.problem;
    deps.telemetry.warn('session-refused', { code, title, hint });
    return false;
  }

  return {
    current: () => kept.current?.session,
    connected: () => kept.current !== undefined && refreshAt !== undefined,
    async step() {
      try {
        if (kept.current === undefined) return await register(undefined);
        if (refreshAt !== undefined && deps.clock.now() < refreshAt) return true;
        return await refresh(kept.current);
      } catch (error) {
        if (!(error instanceof PortError)) throw error;
        deps.telemetry.warn('plane-not-reached', { error: errorText(error) });
        return false;
      }
    },
    renewSoon() {
      if (refreshAt !== undefined) refreshAt = 0;
    },
    sign(payload) {
      if (kept.current === undefined) throw new TypeError('A host signs nothing before it is registered.');
      return signAs(kept.current, payload);
    },
  };
}

/** Answers after which this generation is no more; a plane before `clock-skew` tells a wrong clock by the second, too. */
const OVER: ReadonlySet<Problem['code']> = new Set(['stale-generation', 'unauthenticated']);

function signAs({ keys, session }: Current, payload: Json): SignedEnvelope {
  return signEnvelope(payload, { keyId: hostKeyId(session.host, session.generation), privateKey: keys.privateKey });
}
