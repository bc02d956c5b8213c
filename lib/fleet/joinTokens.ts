import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { type JoinToken, JoinTokenRow, settle, sortableTime } from '../catalog/index.ts';
import type { HostId, HostPattern } from '../shared/ids.ts';
import type { CatalogStore, Page } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Random } from '../shared/ports/random.ts';
import { EpochMs } from '../shared/units.ts';
import { FleetError } from './errors.ts';

const PAGE = 1000;

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
): Promise<{ readonly token: string } & Omit<KnownJoinToken, 'usedBy'>> {
  const token = `strata-join-${deps.random.id()}${deps.random.id()}`;
  const terms = { hosts, uses, expiresAt: EpochMs.parse(deps.clock.now() + ttlMs) };
  const tokenHash = joinTokenHash(token);
  // 256 random bits meet no older token.
  await deps.catalog.transact([JoinTokenRow.put({ tokenHash, usedBy: [], ...terms }, 'absent')]);
  return { token, id: idOf(tokenHash), ...terms };
}

/** Names a join token without being one: the beginning of its hash. */
export const JoinTokenId = z
  .string()
  .check(z.regex(/^[0-9a-f]{16}$/))
  .brand<'JoinTokenId'>();
export type JoinTokenId = z.infer<typeof JoinTokenId>;

export interface KnownJoinToken {
  readonly id: JoinTokenId;
  readonly hosts: HostPattern;
  readonly uses: number;
  readonly usedBy: HostId[];
  readonly expiresAt: EpochMs;
}

const idOf = (tokenHash: string): JoinTokenId => JoinTokenId.parse(tokenHash.slice(0, 16));

function known({ tokenHash, hosts, uses, usedBy, expiresAt }: JoinToken): KnownJoinToken {
  return { id: idOf(tokenHash), hosts, uses, usedBy, expiresAt };
}

interface TokenDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
}

/** A page of the join tokens that are not expired, the next to expire first. The index may lag behind the newest ones. */
export async function listJoinTokens(
  deps: TokenDeps,
  limit: number,
  cursor?: string,
): Promise<{ readonly tokens: readonly KnownJoinToken[]; readonly cursor?: string }> {
  const page = await tokenPage(deps, limit, cursor);
  const tokens = page.items.map((item) => known(JoinTokenRow.parse(item).value));
  return page.cursor === undefined ? { tokens } : { tokens, cursor: page.cursor };
}

function tokenPage({ catalog, clock }: TokenDeps, limit: number, cursor?: string): Promise<Page> {
  return catalog.queryIndex('listing', {
    partition: 'JOINTOKENS',
    from: sortableTime(EpochMs.parse(clock.now() + 1)),
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  });
}

/** Takes a join token's right away; hosts that it has registered stay. Throws `FleetError` `unknown-token`. */
export async function revokeJoinToken(
  deps: TokenDeps,
  { id, dryRun }: { readonly id: JoinTokenId; readonly dryRun: boolean },
): Promise<KnownJoinToken> {
  const tokenHash = await hashOf(deps, id);
  return settle(deps.catalog, 'The join token', async () => {
    const row = tokenHash === undefined ? undefined : await JoinTokenRow.get(deps.catalog, tokenHash);
    if (row === undefined) {
      const message = `No join token ${id} is valid: it was revoked, or has expired. \`strata token list\` lists those that are.`;
      throw new FleetError({ code: 'unknown-token', message, retryable: false });
    }
    const key = JoinTokenRow.key(row.value.tokenHash);
    const gone = { kind: 'delete', key, expect: { version: row.version } } as const;
    return { changes: dryRun ? [] : [gone], answer: known(row.value) };
  });
}

async function hashOf(deps: TokenDeps, id: JoinTokenId): Promise<string | undefined> {
  let cursor: string | undefined;
  do {
    const page = await tokenPage(deps, PAGE, cursor);
    const hashes = page.items.map((item) => JoinTokenRow.parse(item).value.tokenHash);
    const found = hashes.find((hash) => idOf(hash) === id);
    if (found !== undefined) return found;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return undefined;
}

export function isPrefix(hosts: HostPattern): boolean {
  return hosts.endsWith('*');
}

export function covers(hosts: HostPattern, host: HostId): boolean {
  return isPrefix(hosts) ? host.startsWith(hosts.slice(0, -1)) : host === String(hosts);
}
