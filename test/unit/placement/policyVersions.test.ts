import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  compileRates,
  decideFirst,
  decideRestoredTier,
  decideTier,
  DOLLARS,
  isPresentVersion,
  LIFECYCLE_RULES,
  lifecyclePolicy,
  PACK_TERMS,
  POLICY_VERSIONS,
  TIER_RULES,
  type TierFacts,
  type TierPolicy,
} from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { StorageClass } from '../../../lib/shared/ids.ts';
import type { TierPolicyName } from '../../../lib/shared/sweepMode.ts';
import { Bytes, DAY_MS, EpochMs, MIB, Usd } from '../../../lib/shared/units.ts';
import { NOW, tierFacts } from '../../support/tierFacts.ts';

const OBJECTS = 4000;
const POLICIES: Readonly<Record<TierPolicyName, TierPolicy>> = {
  rules: TIER_RULES,
  dollars: DOLLARS,
  lifecycle: lifecyclePolicy(LIFECYCLE_RULES, true),
};

/** Numbers from 0 to 1, the same in every run. */
function uniform(): () => number {
  let state = 42;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** Objects of many sizes, ages and classes; each fact is there or not. */
function objects(): readonly TierFacts[] {
  const next = uniform();
  const below = (most: number) => Math.floor(next() * most);
  const pick = <One>(list: readonly One[]): One => list[below(list.length)]!;
  const maybe = <Facts extends object>(facts: Facts): Partial<Facts> => (next() < 0.4 ? facts : {});
  const ago = (days: number) => EpochMs.parse(NOW - Math.round(days * DAY_MS));
  return Array.from({ length: OBJECTS }, () => {
    const bytes = Bytes.parse(
      pick([1_000, 140_000, 90_000_000, 150_000_000, 7_000_000_000, 600_000_000_000]) + below(9),
    );
    const ageDays = pick([1, 6, 20, 60, 100, 200, 400, 800, 1_200]) + next();
    const read = ageDays * next();
    const reads = below(60);
    const facts = tierFacts({
      bytes,
      storageClass: pick(StorageClass.options),
      createdAt: ago(ageDays),
      transitionedAt: ago(ageDays * next()),
      accessesLast30Days: read < 30 ? reads : 0,
    });
    return {
      ...facts,
      ...maybe({ lastAccessAt: ago(read), accesses: reads + below(100) }),
      ...maybe({ bucketReads: { last30Days: read < 30 ? below(reads + 1) : 0, lastAt: ago(read) } }),
      ...maybe({ knownReadsPerDay: pick([0, 0.0005, 0.01, 0.2, 5]) }),
      ...maybe({ restoreToleranceMs: pick([60_000, 5 * 3_600_000, 13 * 3_600_000, 3 * DAY_MS]) }),
      ...maybe({ waitingUsdPerHour: pick([0, 4, 90]) }),
      ...maybe({ slackUsd: Usd.parse(40 * next() ** 8) }),
      ...maybe({
        atRisk: {
          reservedUsd: Usd.parse((bytes / 1e9) * 0.3 * next()),
          lostUsd: Usd.parse((bytes / 1e9) * 0.1 * (next() - 0.5)),
          ...maybe({ readsCovered: 3 }),
        },
      }),
      ...maybe({ regretUsd: 20 * next() ** 6 }),
      ...maybe({ memory: { reads: below(30) * next(), exposureMs: ageDays * DAY_MS } }),
      ...(next() < 0.1 ? { heldBy: pick(['lease', 'pin', 'legal-hold', 'pending-fill'] as const) } : {}),
      ...maybe({ expiry: pick(['expires', 'held', 'newest'] as const) }),
      ...maybe({
        packing: {
          packed: next() < 0.4,
          bytes: Bytes.parse(Math.ceil(bytes * (0.4 + 0.6 * next()))),
          parts: Math.ceil(bytes / (64 * MIB)),
          terms: PACK_TERMS,
        },
      }),
    };
  });
}

/** What a policy decides of all of them, as a number. */
function fingerprint(name: TierPolicyName): string {
  const policy = POLICIES[name];
  const rates = compileRates(shippedPriceBook());
  const hash = createHash('sha256');
  for (const facts of objects()) {
    const { action, reason, ...rest } = decideTier(facts, policy, rates, NOW);
    const restored = decideRestoredTier(facts, 'read', policy, rates, NOW);
    const first = policy.kind === 'dollars' ? decideFirst(facts, policy, rates, NOW).storageClass : '';
    hash.update(`${action} ${'to' in rest ? rest.to : ''} ${reason} ${restored.to} ${first}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

it('tries objects that lie out on a learned forecast, and such as are held', () => {
  const rates = compileRates(shippedPriceBook());
  const reasons = new Set(objects().map((facts) => decideTier(facts, DOLLARS, rates, NOW).reason));
  expect([...reasons]).toEqual(
    expect.arrayContaining(['risk-ended', 'fees-exceed-move', 'held', 'held-at-a-loss', 'allowance-spent']),
  );
});

/*
 * Where one of these fails, the code decides otherwise under the name that planes have looked at: raise the `version` of that policy
 * (`TIER_RULES`, `DOLLARS`, `LIFECYCLE_RULES`) and write both down here. Only where other prices ship, the numbers change alone.
 */
describe('what each version decides', () => {
  it.each([
    ['rules', 'rules-2', '958d5d874a0c87c1'],
    ['dollars', 'dollars-3', '8fadc45c08500846'],
    ['lifecycle', 'lifecycle-rules-2', '3e4db5f420fc6846'],
  ] as const)('%s, of 4,000 objects', (name, version, decisions) => {
    expect(shippedPriceBook().id).toBe('aws/us-east-1@2026-11-20+cloudflare/r2@2026-11-20+reference@2026-11-20');
    expect([POLICY_VERSIONS[name], fingerprint(name)]).toEqual([version, decisions]);
  });

  it('is another one than that of older releases, which noted none', () => {
    expect(isPresentVersion('rules', undefined)).toBe(false);
    expect(isPresentVersion('rules', 'rules-2')).toBe(true);
  });
});
