import { createHash } from 'node:crypto';
import { type JoinToken, JoinTokenRow } from '../catalog/index.ts';
import type { HostId, HostPattern } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Random } from '../shared/ports/random.ts';
import { EpochMs } from '../shared/units.ts';

/** Only this is kept of a token: whoever reads the catalog cannot join with it. */
export function joinTokenHash(token: string): string {
  return createHash('sha256').update(`strata-join-1\n${token}`).digest('hex');
}

export interface JoinTokenTerms {
  /** The hosts that it may register. */
  readonly hosts: HostPattern;
  /** How many registrations it is good for. */
  readonly uses: number;
  readonly ttlMs: number;
}

/**
 * Makes a right to register hosts of certain names, so many times, until it expires. The answer is the only place where the
 * token ever stands.
 */
export async function createJoinToken(
  deps: { readonly catalog: CatalogStore; readonly clock: Clock; readonly random: Random },
  { hosts, uses, ttlMs }: JoinTokenTerms,
): Promise<{ readonly token: string } & Pick<JoinToken, 'hosts' | 'uses' | 'expiresAt'>> {
  const token = `strata-join-${deps.random.id()}${deps.random.id()}`;
  const terms = { hosts, uses, expiresAt: EpochMs.parse(deps.clock.now() + ttlMs) };
  // 256 random bits meet no older token.
  const row = JoinTokenRow.put({ tokenHash: joinTokenHash(token), usedBy: [], ...terms }, 'absent');
  await deps.catalog.transact([row]);
  return { token, ...terms };
}

export function isPrefix(hosts: HostPattern): boolean {
  return hosts.endsWith('*');
}

export function covers(hosts: HostPattern, host: HostId): boolean {
  return isPrefix(hosts) ? host.startsWith(hosts.slice(0, -1)) : host === String(hosts);
}
