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

/** Signed too far from now: by a clock that is off, or long ago. Nothing is wrong with the host's registration. */
export interface ClockSkew {
  readonly outcome: 'clock-skew';
  readonly clocks: { readonly host: EpochMs; readonly plane: EpochMs };
}

export function clockSkew(host: EpochMs, plane: EpochMs): ClockSkew | undefined {
  return Math.abs(plane - host) <= FRESH_MS ? undefined : { outcome: 'clock-skew', clocks: { host, plane } };
}

export type SessionRefusal = 'unknown-host' | 'stale-generation' | 'retired';

export type RefreshAnswer =
  | { readonly outcome: 'refreshed'; readonly session: HostSession }
  | ClockSkew
  | { readonly outcome: 'refused'; readonly reason: SessionRefusal };

/** New credentials and command keys for the generation that asks. Throws `FleetError` for a forged request. */
export async function refreshSession(deps: SessionDeps, envelope: SignedEnvelope): Promise<RefreshAnswer> {
  const opened = await openReport(deps.catalog, envelope, RefreshSession);
  if (opened.outcome === 'stale') return { outcome: 'refused', reason: opened.reason };
  const skew = clockSkew(opened.report.at, deps.clock.now());
  if (skew !== undefined) return skew;
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
