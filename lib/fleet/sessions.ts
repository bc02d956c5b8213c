import { type HostSession, RefreshSession } from '../../events/host-api/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import type { Host } from '../catalog/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { CommandKeys } from '../shared/ports/commandKeys.ts';
import { type EpochMs, MINUTE_MS } from '../shared/units.ts';
import type { HostCredentialIssuer } from './hostCredentials.ts';
import { openReport } from './hostReports.ts';

export interface SessionDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly commandKeys: CommandKeys;
  readonly hostCredentials: HostCredentialIssuer;
  /** What hosts are told of the prices that decide; undefined where nobody knows them. */
  readonly prices: () => Promise<string | undefined>;
  readonly settings: { readonly heartbeatSeconds: number };
}

/** As AWS has it for signed requests: a host whose clock is further off could not read the origin either. */
const FRESH_MS = 15 * MINUTE_MS;

export function isFresh(at: EpochMs, now: EpochMs): boolean {
  return Math.abs(now - at) <= FRESH_MS;
}

export type SessionRefusal = 'unknown-host' | 'stale-generation' | 'not-fresh' | 'retired';

export type RefreshAnswer =
  | { readonly outcome: 'refreshed'; readonly session: HostSession }
  | { readonly outcome: 'refused'; readonly reason: SessionRefusal };

/** New credentials and command keys for the generation that asks. Throws `FleetError` for a forged request. */
export async function refreshSession(deps: SessionDeps, envelope: SignedEnvelope): Promise<RefreshAnswer> {
  const opened = await openReport(deps.catalog, envelope, RefreshSession);
  if (opened.outcome === 'stale') return { outcome: 'refused', reason: opened.reason };
  if (!isFresh(opened.report.at, deps.clock.now())) return { outcome: 'refused', reason: 'not-fresh' };
  const host = opened.host.value;
  if (host.state === 'retired') return { outcome: 'refused', reason: 'retired' };
  return { outcome: 'refreshed', session: await openSession(deps, host) };
}

/** What a host needs to work in its generation. */
export async function openSession(deps: SessionDeps, host: Host): Promise<HostSession> {
  const prices = host.protocol < 2 ? undefined : await deps.prices();
  return {
    protocol: host.protocol,
    host: host.id,
    generation: host.generation,
    queue: host.queue,
    credentials: await deps.hostCredentials.issue(host.id, host.generation),
    commandKeys: (await deps.commandKeys.published()).map(({ keyId, publicKey }) => ({ keyId, publicKey })),
    heartbeatSeconds: deps.settings.heartbeatSeconds,
    ...(prices === undefined ? {} : { prices }),
  };
}
