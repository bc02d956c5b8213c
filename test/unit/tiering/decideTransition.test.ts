import { describe, expect, it } from 'vitest';
import { TransitionReplica } from '../../../events/transition-replica/v1.ts';
import { ActionValue, type Replica, ReplicaValue } from '../../../lib/catalog/index.ts';
import { StorageClass } from '../../../lib/shared/ids.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import { decideTransition, TIER_OF } from '../../../lib/tiering/index.ts';
import { blobOf } from '../../support/fleetWorld.ts';

const blob = blobOf('a', EpochMs.parse(0));
const moved = { ...blob, origin: { ...blob.origin, versionId: 'a-v2' } };

const message = (hop: number) =>
  TransitionReplica.parse({
    schema: 'transition-replica/1',
    actionId: 'transition-1',
    digest: blob.digest,
    from: { storageClass: 'STANDARD', versionId: 'a-v1' },
    to: 'STANDARD_IA',
    correlationId: 'c',
    hop,
  });

const action = (state: string) =>
  ActionValue.parse({
    actionId: 'transition-1',
    type: 'transition',
    digest: blob.digest,
    state,
    reason: 'young-content',
    policy: 'p',
    chosen: 'transition STANDARD_IA',
    alternatives: [],
    inputs: '{}',
    inputsHash: '',
    decidedAt: 0,
    expiresAt: 1,
    correlationId: 'c',
  });

const copy = (over: object): Replica =>
  ReplicaValue.parse({
    digest: blob.digest,
    location: 's3:eu-west-1:STANDARD',
    state: 'evicting',
    bytes: 1,
    versionId: 'a-v1',
    pinned: false,
    checkedAt: 0,
    ...over,
  });

const left = copy({});
const reader = (state: string, versionId: string) =>
  copy({ location: 'nvme:gpu-a', host: { id: 'gpu-a', generation: 1 }, state, versionId });

const ON = { mode: 'on', packing: 'on' } as const;

describe('a transition message', () => {
  it.each([
    ['of a blob that is gone', 0, undefined, 'pending', [], 'give-up'],
    ['that has just been decided', 0, blob, 'pending', [copy({ state: 'verified' })], 'move'],
    ['whose action has expired', 0, blob, 'expired', [], 'discard-copy'],
    ['whose action has failed', 0, blob, 'failed', [], 'discard-copy'],
    ['that was switched already', 0, moved, 'done', [left], 'finished'],
    ['whose blob was moved by somebody else', 0, moved, 'pending', [], 'give-up'],
    ['that comes to delete', 1, moved, 'done', [left], 'delete-old'],
    ['that comes to delete while a host may read', 1, moved, 'done', [left, reader('reserved', 'a-v1')], 'wait'],
    [
      'that comes to delete while a host reads the new copy',
      1,
      moved,
      'done',
      [left, reader('reserved', 'a-v2')],
      'delete-old',
    ],
    [
      'that comes to delete when hosts hold copies of it',
      1,
      moved,
      'done',
      [left, reader('verified', 'a-v1')],
      'delete-old',
    ],
    ['that comes to delete what is gone', 1, moved, 'done', [], 'finished'],
    ['that would delete what is the origin again', 1, blob, 'done', [copy({ state: 'verified' })], 'discard-copy'],
  ] as const)('%s', (_name, hop, known, state, replicas, step) => {
    const facts = { message: message(hop), action: action(state), blob: known, replicas, ...ON };
    expect(decideTransition(facts)).toBe(step);
  });

  it.each([
    ['that has just been decided', 0, blob, 'pending', [copy({ state: 'verified' })], 'refuse'],
    ['whose action has expired', 0, blob, 'expired', [], 'finished'],
    ['whose blob was moved by somebody else', 0, moved, 'pending', [], 'give-up'],
    ['that comes to delete', 1, moved, 'done', [left], 'wait'],
  ] as const)('%s, while transitions are switched off or only tried', (_name, hop, known, state, replicas, step) => {
    const facts = { message: message(hop), action: action(state), blob: known, replicas };
    expect(decideTransition({ ...facts, ...ON, mode: 'off' })).toBe(step);
    expect(decideTransition({ ...facts, ...ON, mode: 'dry-run' })).toBe(step);
  });

  it.each([
    ['moves', 0, blob, 'pending', [copy({ state: 'verified' })], 'move'],
    ['deletes what its switch left', 1, moved, 'done', [left], 'delete-old'],
  ] as const)(
    'that follows a restore %s, while transitions are switched off',
    (_name, hop, known, state, replicas, step) => {
      const restored = { ...action(state), reason: 'restored' };
      expect(
        decideTransition({ message: message(hop), action: restored, blob: known, replicas, ...ON, mode: 'off' }),
      ).toBe(step);
    },
  );

  it.each([
    ['packs', { encoding: 'byteplane-zstd-1', belowRatio: 0.7 }, 'pending', 'refuse-packing'],
    ['has packed nothing', { encoding: 'byteplane-zstd-1', belowRatio: 0.7 }, 'failed', 'discard-copy'],
    ['unpacks', { encoding: 'identity' }, 'pending', 'move'],
    ['leaves the bytes as they are', {}, 'pending', 'move'],
  ] as const)('that %s, while packing is switched off or only tried', (_name, over, state, step) => {
    const facts = { message: { ...message(0), ...over }, action: action(state), blob, replicas: [] };
    expect(decideTransition({ ...facts, ...ON, packing: 'off' })).toBe(step);
    expect(decideTransition({ ...facts, ...ON, packing: 'dry-run' })).toBe(step);
    expect(decideTransition({ ...facts, ...ON, mode: 'off', packing: 'off' })).not.toBe('move');
  });

  it('that nobody decided does nothing', () => {
    expect(decideTransition({ message: message(0), action: undefined, blob, replicas: [], ...ON })).toBe('finished');
  });

  it('knows the tier of every class', () => {
    expect(StorageClass.options.map((one) => TIER_OF[one])).toEqual([
      'hot',
      'warm',
      'warm',
      'cold',
      'archive',
      'archive',
    ]);
  });
});
