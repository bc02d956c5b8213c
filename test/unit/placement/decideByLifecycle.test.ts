import { describe, expect, it } from 'vitest';
import {
  decideTier,
  describePolicy,
  explainTier,
  LIFECYCLE,
  LIFECYCLE_RULES,
  lifecyclePolicy,
  recordTier,
  replayTier,
  type TierFacts,
} from '../../../lib/placement/index.ts';
import { PACK_TERMS } from '../../../lib/placement/packing.ts';
import { Bytes, DAY_MS, GB, HOUR_MS } from '../../../lib/shared/units.ts';
import { daysAgo, NOW, rates, tierFacts } from '../../support/tierFacts.ts';

const DELETES = lifecyclePolicy(LIFECYCLE_RULES, true);

const facts = (over: Parameters<typeof tierFacts>[0] = {}): TierFacts =>
  tierFacts({ bytes: Bytes.parse(6 * GB), ...over });

const packing = { packed: false, bytes: Bytes.parse(4 * GB), parts: 90, terms: PACK_TERMS };

describe('a tier decision by the lifecycle preset', () => {
  it.each<[string, TierFacts, object]>([
    ['archives what is abandoned', facts(), { to: 'GLACIER_IR', reason: 'abandoned' }],
    [
      'archives what could be deleted',
      facts({ expiry: 'expires' }),
      { to: 'GLACIER_IR', reason: 'expiry-not-allowed' },
    ],
    [
      'archives where a wait is accepted',
      facts({ restoreToleranceMs: DAY_MS }),
      { to: 'GLACIER', reason: 'abandoned' },
    ],
    ['cools what is rarely read', facts({ ageDays: 60 }), { to: 'STANDARD_IA', reason: 'rarely-read' }],
    ['goes by all reads', facts({ lastAccessAt: daysAgo(100), accesses: 4 }), { to: 'STANDARD_IA' }],
    [
      'leaves what is bound',
      facts({ storageClass: 'STANDARD_IA', transitionedAt: daysAgo(29) }),
      { reason: 'minimum-duration' },
    ],
    ['leaves what is held', facts({ heldBy: 'pin' }), { action: 'keep', reason: 'held' }],
    ['leaves what is young', facts({ ageDays: 30 }), { action: 'keep', reason: 'still-read' }],
    ['leaves what is archived', facts({ storageClass: 'DEEP_ARCHIVE' }), { action: 'keep', reason: 'already-there' }],
    [
      'leaves what tiers itself as cheaply',
      facts({ ageDays: 60, storageClass: 'INTELLIGENT_TIERING' }),
      { action: 'keep', reason: 'no-cheaper-class' },
    ],
    [
      'brings back what is archived where less was promised since',
      facts({ storageClass: 'GLACIER', restoreToleranceMs: HOUR_MS }),
      { action: 'transition', to: 'GLACIER_IR', reason: 'restore-too-slow', needsRestore: true },
    ],
    [
      'brings it only as near as was promised',
      facts({ storageClass: 'DEEP_ARCHIVE', restoreToleranceMs: 6 * HOUR_MS }),
      { to: 'GLACIER', reason: 'restore-too-slow' },
    ],
    [
      'brings nearer what is read, too',
      facts({ ageDays: 20, storageClass: 'GLACIER', restoreToleranceMs: HOUR_MS }),
      { to: 'STANDARD_IA', reason: 'restore-too-slow' },
    ],
    [
      'unpacks what is promised sooner than unpacked',
      facts({ packing: { ...packing, packed: true }, restoreToleranceMs: 1_000 }),
      { action: 'unpack', to: 'STANDARD', reason: 'promise', needsRestore: false },
    ],
    [
      'unpacks what is archived into a class that is read at once',
      facts({ storageClass: 'GLACIER', packing: { ...packing, packed: true }, restoreToleranceMs: HOUR_MS }),
      { action: 'unpack', to: 'GLACIER_IR', reason: 'promise', needsRestore: true },
    ],
    [
      'leaves what is archived and held, whatever was promised',
      facts({ storageClass: 'GLACIER', restoreToleranceMs: HOUR_MS, heldBy: 'pin' }),
      { action: 'keep', reason: 'held' },
    ],
    [
      'brings nothing back that is about to be deleted',
      facts({ storageClass: 'GLACIER', restoreToleranceMs: HOUR_MS, expiry: 'deleted' }),
      { action: 'keep', reason: 'expires' },
    ],
    ['leaves to the purge what is deleted', facts({ expiry: 'deleted' }), { action: 'keep', reason: 'expires' }],
    [
      'packs what gets smaller',
      facts({ ageDays: 20, packing }),
      { action: 'pack', to: 'STANDARD', reason: 'compressible' },
    ],
    [
      'packs nothing that is read',
      facts({ ageDays: 20, packing, lastAccessAt: daysAgo(1) }),
      { action: 'keep', notPacked: 'read-often' },
    ],
    [
      'packs nothing before it is paid for',
      facts({ ageDays: 20, storageClass: 'STANDARD_IA', packing }),
      { action: 'keep', notPacked: 'minimum-duration' },
    ],
  ])('%s', (_name, given, expected) => {
    const decision = decideTier(given, LIFECYCLE, rates, NOW);
    expect(decision).toMatchObject(expected);
    const inputs = JSON.stringify(recordTier(given, NOW, rates));
    expect(replayTier(inputs, LIFECYCLE, rates)).toEqual(decision);
    expect(explainTier(decision, given, LIFECYCLE, rates, NOW)).toContain('lifecycle-rules-2');
  });

  it.each([
    [LIFECYCLE, 'nobody has allowed it'],
    [DELETES, 'undoable for a week'],
  ])('is described with its thresholds and with what may be deleted', (policy, deletes) => {
    const text = describePolicy(policy).join('\n');
    expect(text).toContain('idle for more than 90 days and read less than 0.01 times a day: GLACIER where');
    expect(text).toContain(deletes);
  });

  it.each<[string, TierFacts['expiry'], string]>([
    ['leaves what expires to the end of the sweep', 'expires', 'expires'],
    ['archives what must be retained', 'retained', 'abandoned'],
    ['archives the newest version', 'newest', 'abandoned'],
    ['archives what nobody has looked at', undefined, 'abandoned'],
  ])('where deletes are allowed, %s', (_name, expiry, reason) => {
    const decision = decideTier(facts({ expiry }), DELETES, rates, NOW);
    expect(decision).toMatchObject({ reason, policyVersion: 'lifecycle-rules-2+deletes' });
  });
});
