import { listVersions, type Version } from '../catalog/index.ts';
import {
  breaksPromise,
  chooseRestore,
  chosenAlternative,
  decideTier,
  type Rates,
  type TierDecision,
  type TierFacts,
} from '../placement/index.ts';
import type { PricesDeps } from '../priceBooks/index.ts';
import { eachOf } from '../shared/eachOf.ts';
import type { Digest, SemVer } from '../shared/ids.ts';
import { Usd } from '../shared/units.ts';
import { type Configured, explainBlob, judgingNow, packSettings, policyOf } from '../tiering/index.ts';
import type { OperationInput, OperationOutput } from './contract.ts';
import type { BrokenPromiseView } from './lifecycleViews.ts';
import { ratesInForce } from './tiers.ts';

const READS_AT_ONCE = 8;

/**
 * What a promise to the readers of a model would find too far away, each of its blobs once. A page looks at `limit` blobs, in the order of
 * their digests; the token is the last of them, `left` the number of those after it. Nothing is written.
 */
export async function listBrokenPromises(
  deps: PricesDeps & { readonly configured?: Configured | undefined },
  { limit, model, nextToken, restoreToleranceMs }: OperationInput<'listBrokenPromises'>,
): Promise<OperationOutput<'listBrokenPromises'>> {
  const { catalog, clock } = deps;
  const rates = await ratesInForce(deps);
  const { policy: name, settings, sweep } = await judgingNow(catalog, deps.configured, undefined);
  const policy = policyOf(settings, name);
  const at = clock.now();
  const found: BrokenPromiseView[] = [];
  const waiting = filesOf(await listVersions(catalog, model)).filter(({ digest }) => digest > (nextToken ?? ''));
  const files = waiting.slice(0, limit);
  await eachOf(files, READS_AT_ONCE, async ({ digest, file, version }) => {
    const looked = await explainBlob({ catalog, clock, rates }, digest, { policy, packs: packSettings(settings), at });
    if (looked === undefined) return;
    const promised = Math.min(restoreToleranceMs, looked.facts.restoreToleranceMs ?? restoreToleranceMs);
    const facts: TierFacts = { ...looked.facts, restoreToleranceMs: promised };
    if (!breaksPromise(facts, rates)) return;
    const { bytes, storageClass } = facts;
    const planned = plannedFor(decideTier(facts, policy, rates, at), facts, rates);
    const broken = { model, version, file, digest, bytes, storageClass, ...planned, policy: name };
    found.push(sweep === undefined ? broken : { ...broken, sweep });
  });
  const [last, left] = [files.at(-1)?.digest, waiting.length - files.length];
  const items = found.sort(byDigest);
  return { items, left, ...(left === 0 || last === undefined ? {} : { nextToken: last }) };
}

const byDigest = (one: { readonly digest: Digest }, other: { readonly digest: Digest }): number =>
  one.digest < other.digest ? -1 : 1;

/** Of the blobs that several versions need, the newest one's file; by digest. */
function filesOf(versions: readonly Version[]) {
  const files = new Map<Digest, { digest: Digest; file: Version['files'][number]['file']; version: SemVer }>();
  for (const { files: all, version } of versions) {
    for (const { digest, file } of all) if (!files.has(digest)) files.set(digest, { digest, file, version });
  }
  return [...files.values()].sort(byDigest);
}

function plannedFor(
  decision: TierDecision,
  { bytes, storageClass }: TierFacts,
  rates: Rates,
): Pick<BrokenPromiseView, 'action' | 'to' | 'reason' | 'usd' | 'restoreMs'> {
  const { action, reason } = decision;
  if (action === 'keep') return { action, reason, usd: Usd.parse(0), restoreMs: 0 };
  const restore = chooseRestore(rates.of(storageClass), bytes, { toleranceMs: Number.POSITIVE_INFINITY, usdPerMs: 0 });
  const chosen = chosenAlternative(decision);
  const usd = (restore?.feeUsd ?? 0) + (chosen?.moveUsd ?? 0) + (chosen?.earlyDeletionUsd ?? 0);
  return { action, to: decision.to, reason, usd: Usd.parse(usd), restoreMs: restore?.waitMs ?? 0 };
}
