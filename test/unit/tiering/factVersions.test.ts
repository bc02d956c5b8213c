import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { shardOf, SWEEP_SHARDS } from '../../../lib/catalog/index.ts';
import { loadExpiryFacts } from '../../../lib/expiry/loadExpiryFacts.ts';
import {
  DOLLARS,
  LIFECYCLE_RULES,
  lifecyclePolicy,
  PACK_TERMS,
  POLICY_VERSIONS,
  TIER_RULES,
  type TierPolicy,
} from '../../../lib/placement/index.ts';
import { CorrelationId } from '../../../lib/shared/ids.ts';
import type { CatalogStore } from '../../../lib/shared/ports/catalogStore.ts';
import type { TierPolicyName } from '../../../lib/shared/sweepMode.ts';
import { judgeBlob } from '../../../lib/tiering/judgeBlob.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { SAMPLED_BLOBS, sampleCatalog, sampledDigest, sampledVersions } from '../../support/sampleCatalog.ts';
import { NOW, rates } from '../../support/tierFacts.ts';

const correlationId = CorrelationId.parse('sample');
const policies: Readonly<Record<TierPolicyName, TierPolicy>> = {
  rules: TIER_RULES,
  dollars: DOLLARS,
  lifecycle: lifecyclePolicy(LIFECYCLE_RULES, true),
};

/** Sums of products differ in their last digits with the order in which they are made. */
const rounded = (_: string, value: unknown): unknown => (typeof value === 'number' ? +value.toPrecision(9) : value);

/** What a policy makes of all of them: the facts, and what is decided of them and written about their risks. */
async function judged(catalog: CatalogStore, name: TierPolicyName) {
  const policy = policies[name];
  const [facts, decisions] = [createHash('sha256'), createHash('sha256')];
  const reasons = new Set<string>();
  const deps = { catalog, clock: createManualClock(NOW), rates };
  const packs = { mode: 'on' as const, terms: PACK_TERMS };
  for (let nth = 0; nth < SAMPLED_BLOBS; nth += 1) {
    const digest = sampledDigest(nth);
    const shard = shardOf(digest, SWEEP_SHARDS);
    const limits = { budgetUsd: 1, mostMoves: 1 };
    const run = { id: 'sample', shard, limits, policy, packs, at: NOW, correlationId };
    const one = await judgeBlob(deps, run, digest);
    if (typeof one === 'string') {
      decisions.update(`${one}\n`);
      reasons.add(one);
      continue;
    }
    const { action, reason, ...rest } = one.decision;
    reasons.add(reason);
    facts.update(`${JSON.stringify(one.facts, rounded)}\n`);
    const { expires, risks } = one;
    decisions.update(
      `${action} ${'to' in rest ? rest.to : ''} ${reason} ${JSON.stringify({ expires, risks }, rounded)}\n`,
    );
  }
  // What may be deleted is decided once more, about versions.
  for (const content of policy.kind === 'lifecycle' ? await sampledVersions(catalog) : [])
    facts.update(`${JSON.stringify(await loadExpiryFacts(catalog, content, NOW), rounded)}\n`);
  const inHex = (hash: typeof facts) => hash.digest('hex').slice(0, 16);
  return { facts: inHex(facts), decisions: inHex(decisions), reasons };
}

/*
 * The other half of `test/unit/placement/policyVersions.test.ts`: from rows of the catalog to the facts that are decided on. Where `decisions` changes,
 * planes decide otherwise under the name that they have looked at: raise the `version` of that policy and write both down here and there. Where
 * only `facts` changes, and no object can be decided otherwise by it, the number changes alone.
 */
it.each([
  [
    'rules',
    'rules-2',
    '65a3a4225387459a',
    '5df52c0a18bc7132',
    ['read-daily', 'promise', 'restore-too-slow', 'compressible', 'held'],
  ],
  [
    'dollars',
    'dollars-3',
    'a5aadaf7a8a5cebb',
    'eb4725ccdb40a600',
    ['cheaper', 'promise', 'risk-ended', 'fees-exceed-move', 'held-at-a-loss'],
  ],
  [
    'lifecycle',
    'lifecycle-rules-2',
    '2d48d33aa35b4f6f',
    'f5d025ee9fb7b2fe',
    ['expires', 'abandoned', 'still-read', 'rarely-read', 'compressible', 'transition-under-way'],
  ],
] as const)(
  '%s makes these facts and decisions of 600 sampled blobs',
  async (name, version, facts, decisions, reasons) => {
    const made = await judged(await sampleCatalog(), name);
    expect([...made.reasons]).toEqual(expect.arrayContaining([...reasons]));
    expect([POLICY_VERSIONS[name], made.facts, made.decisions]).toEqual([version, facts, decisions]);
  },
);
