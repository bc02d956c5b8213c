import { createHash } from 'node:crypto';
import { JoinTokenRow } from '../catalog/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Random } from '../shared/ports/random.ts';
import { EpochMs } from '../shared/units.ts';

/** Only this is kept of a token: whoever reads the catalog cannot join with it. */
export function joinTokenHash(token: string): string {
  return createHash('sha256').update(`strata-join-1\n${token}`).digest('hex');
}

/** Makes a right to register one host once, until it expires. The answer is the only place where the token ever stands. */
export async function createJoinToken(
  deps: { readonly catalog: CatalogStore; readonly clock: Clock; readonly random: Random },
  ttlMs: number,
): Promise<{ readonly token: string; readonly expiresAt: EpochMs }> {
  const token = `strata-join-${deps.random.id()}${deps.random.id()}`;
  const expiresAt = EpochMs.parse(deps.clock.now() + ttlMs);
  // 256 random bits meet no older token.
  await deps.catalog.transact([JoinTokenRow.put({ tokenHash: joinTokenHash(token), expiresAt }, 'absent')]);
  return { token, expiresAt };
}
