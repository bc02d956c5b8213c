import * as z from 'zod/mini';
import { loadAccesses } from '../accesses/index.ts';
import {
  BlobRow,
  listAliases,
  listVersions,
  type Model,
  queryAll,
  ReferenceRow,
  startingWith,
  type Version,
} from '../catalog/index.ts';
import { chosenAlternative, decideTier, DOLLARS, type Rates } from '../placement/index.ts';
import { type Digest, ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { Bytes, EpochMs, Usd } from '../shared/units.ts';
import { DEFAULT_PACKING, explainBlob, RETIRED_READS_PER_DAY } from '../tiering/index.ts';
import { loadStored } from './loadStored.ts';
import { UNREAD_MS } from './storedObject.ts';

/**
 * A version that nobody seems to need, with the bytes that no other version has. `retired`: deprecated, so that deleting it frees them;
 * `superseded`: not the newest, no alias points at it and nobody read it for 30 days, so that deprecating it lets dollars move it.
 */
export const RetiredVersion = z.object({
  model: ModelName,
  version: SemVer,
  state: z.enum(['retired', 'superseded']),
  /** Of the files that only this version has. */
  files: z.number().check(z.int(), z.positive()),
  bytes: Bytes,
  /** Of their copies in the bucket and on hosts, now. */
  usdPerMonth: Usd,
  /** What the deletion, or the class that dollars choose for a deprecated version, takes off it. */
  savedUsdPerMonth: Usd,
  /** Moving and early deletion. */
  onceUsd: Usd,
  lastAccessAt: z.optional(EpochMs),
});
export type RetiredVersion = z.infer<typeof RetiredVersion>;

interface RetiredDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly rates: Rates;
}

/** Those of one model whose deletion or deprecation would save something. What is held, retained or named by an alias is needed. */
export async function retiredVersions(deps: RetiredDeps, { name, newest }: Model): Promise<readonly RetiredVersion[]> {
  const now = deps.clock.now();
  const named = new Set((await listAliases(deps.catalog, name)).map(({ version }) => version));
  const found: RetiredVersion[] = [];
  for (const version of await listVersions(deps.catalog, name)) {
    const needed = version.hold !== undefined || (version.retainUntil ?? 0) > now || named.has(version.version);
    if (needed || (version.version === newest && !version.deprecated)) continue;
    const judged = await judge(deps, version, now);
    if (judged !== undefined && judged.savedUsdPerMonth > 0) found.push(judged);
  }
  return found;
}

async function judge(deps: RetiredDeps, row: Version, now: EpochMs): Promise<RetiredVersion | undefined> {
  const { deprecated, files, model, publishedAt, version } = row;
  const own: Digest[] = [];
  for (const digest of new Set(files.map((file) => file.digest))) {
    if (await isOnlyOf(deps.catalog, digest, row)) own.push(digest);
  }
  const reads = await Promise.all(own.map((digest) => loadAccesses(deps.catalog, digest, now)));
  const last = Math.max(0, ...reads.map(({ lastAccessAt }) => lastAccessAt ?? 0));
  if (own.length === 0 || (!deprecated && now - Math.max(last, publishedAt) < UNREAD_MS)) return undefined;
  const sums = { bytes: 0, month: 0, saved: 0, once: 0 };
  for (const digest of own) {
    const effect = await effectOf(deps, digest, deprecated, now);
    sums.bytes += effect.bytes;
    sums.month += effect.month;
    sums.saved += effect.saved;
    sums.once += effect.once;
  }
  return {
    model,
    version,
    state: deprecated ? 'retired' : 'superseded',
    files: own.length,
    bytes: Bytes.parse(sums.bytes),
    usdPerMonth: Usd.parse(sums.month),
    savedUsdPerMonth: Usd.parse(sums.saved),
    onceUsd: Usd.parse(sums.once),
    ...(last === 0 ? {} : { lastAccessAt: EpochMs.parse(last) }),
  };
}

async function isOnlyOf(catalog: CatalogStore, digest: Digest, { model, version }: Version): Promise<boolean> {
  const rows = await queryAll(catalog, { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') });
  return rows.every((row) => {
    const other = ReferenceRow.parse(row).value;
    return other.model === model && other.version === version;
  });
}

/** What becomes of one blob's dollars when its version is deleted, or deprecated and then moved as dollars decide. */
async function effectOf(
  deps: RetiredDeps,
  digest: Digest,
  deprecated: boolean,
  now: EpochMs,
): Promise<{ readonly bytes: number; readonly month: number; readonly saved: number; readonly once: number }> {
  const blob = await BlobRow.get(deps.catalog, digest);
  if (blob === undefined) return { bytes: 0, month: 0, saved: 0, once: 0 };
  const { copies } = await loadStored(deps, blob.value, now);
  const bytes = copies.reduce((sum, copy) => sum + copy.bytes, 0);
  const month = copies.reduce((sum, copy) => sum + copy.storageUsd + copy.requestUsd + copy.retrievalUsd, 0);
  const liability = copies.reduce((sum, copy) => sum + copy.liabilityUsd, 0);
  if (deprecated) return { bytes, month, saved: month, once: liability };
  const explained = await explainBlob(deps, digest, { policy: DOLLARS, packs: DEFAULT_PACKING, at: now });
  if (explained === undefined) return { bytes, month, saved: 0, once: 0 };
  const facts = { ...explained.facts, knownReadsPerDay: RETIRED_READS_PER_DAY };
  const decision = decideTier(facts, DOLLARS, deps.rates, now);
  const stays = decision.alternatives.find((one) => one.action === 'keep');
  const chosen = chosenAlternative(decision);
  const saved = (stays?.usdPerMonth ?? 0) - (chosen?.usdPerMonth ?? 0);
  return { bytes, month, saved, once: (chosen?.moveUsd ?? 0) + (chosen?.earlyDeletionUsd ?? 0) };
}
