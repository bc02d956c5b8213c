import type { HostCredentials, HostSession, Problem, RegisterHost } from '../../events/host-api/v1.ts';
import { PROTOCOL_VERSIONS } from '../../events/host-api/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { type AgentPlane, generateKeyPair, hostKeyId, signEnvelope } from '../../lib/fleet/index.ts';
import type { Json } from '../../lib/shared/canonicalJson.ts';
import type { Generation } from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import type { Random } from '../../lib/shared/ports/random.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { type KeptSession, readSessionFile, type SessionFile, writeSessionFile } from './sessionFile.ts';

/*
 * unregistered → registered → (refreshed …) → refused by the plane → registered anew, under the next generation. A restart
 * continues the generation that is kept on the disk; only its credentials are asked for again.
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
  /** Awaited before a new generation is used. */
  readonly onNewGeneration: (generation: Generation) => Promise<void>;
}

export type HostDescription = Omit<RegisterHost, 'protocols' | 'publicKey'>;

export async function openSession(deps: SessionDeps, host: HostDescription): Promise<Session> {
  let kept = await readSessionFile(deps.disk);
  if (kept?.session !== undefined && kept.session.host !== host.host) kept = undefined;
  let refreshAt = 0;

  async function adopt(file: SessionFile, session: HostSession): Promise<void> {
    const { credentials, ...rest } = session;
    if (file.session?.generation !== session.generation) await deps.onNewGeneration(session.generation);
    await keep({ ...file, session: rest });
    deps.useCredentials(credentials);
    const now = deps.clock.now();
    refreshAt = now + (credentials.expiresAt - now) / 2;
  }

  async function keep(file: SessionFile): Promise<void> {
    await writeSessionFile(deps.disk, file);
    kept = file;
  }

  async function register(): Promise<boolean> {
    if (kept === undefined || kept.session !== undefined) {
      const { privateKey, publicKey } = generateKeyPair('joining', deps.random);
      await keep({ schema: 'agent-session/1', privateKey, publicKey });
    }
    const file = kept;
    if (file === undefined) return false;
    const answer = await deps.plane.register({
      ...host,
      protocols: [...PROTOCOL_VERSIONS],
      publicKey: file.publicKey,
    });
    if (answer.outcome === 'refused') return refused('registration-refused', answer.problem);
    await adopt(file, answer.value);
    deps.telemetry.info('host-registered', { host: answer.value.host, generation: answer.value.generation });
    return true;
  }

  async function refresh(file: SessionFile, session: KeptSession): Promise<boolean> {
    const { host: id, generation } = session;
    const request = { schema: 'refresh-session/1', host: id, generation, at: deps.clock.now() } as const;
    const answer = await deps.plane.refresh(sign(request));
    if (answer.outcome === 'answered') {
      await adopt(file, answer.value);
      return true;
    }
    // The generation is fenced: whatever this host was is over, and it starts again as the next one.
    const { code } = answer.problem;
    if (code === 'stale-generation' || code === 'unauthenticated') return register();
    return refused('refresh-refused', answer.problem);
  }

  function refused(event: string, problem: Problem): false {
    deps.telemetry.warn(event, { code: problem.code, title: problem.title, hint: problem.hint });
    return false;
  }

  function sign(payload: Json): SignedEnvelope {
    if (kept?.session === undefined) throw new TypeError('A host signs nothing before it is registered.');
    const keyId = hostKeyId(kept.session.host, kept.session.generation);
    return signEnvelope(payload, { keyId, privateKey: kept.privateKey });
  }

  return {
    current: () => kept?.session,
    connected: () => kept?.session !== undefined && refreshAt > 0,
    async step() {
      if (kept?.session === undefined) return register();
      if (deps.clock.now() < refreshAt) return true;
      return refresh(kept, kept.session);
    },
    renewSoon() {
      refreshAt = Math.min(refreshAt, 1);
    },
    sign,
  };
}
