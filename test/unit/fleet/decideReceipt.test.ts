import { describe, expect, it } from 'vitest';
import { CommandReceipt } from '../../../events/command-receipt/v1.ts';
import { ActionValue, type Replica, ReplicaValue } from '../../../lib/catalog/index.ts';
import { decideReceipt, decideRetry } from '../../../lib/fleet/index.ts';
import { Bytes, EpochMs, HOUR_MS } from '../../../lib/shared/units.ts';

const SIZE = 1000;
const digest = 'a'.repeat(64);

function receipt(over: Partial<Record<keyof CommandReceipt, unknown>> & { before?: number; after?: number } = {}) {
  const { before = 0, after = SIZE, ...rest } = over;
  return CommandReceipt.parse({
    schema: 'command-receipt/1',
    actionId: 'act-1',
    origin: 'command',
    host: 'gpu-a',
    generation: 1,
    type: 'prefetch',
    digest,
    correlationId: 'c',
    startedAt: 50,
    finishedAt: 100,
    outcome: 'done',
    code: 'ok',
    measured: { bytesBefore: before, bytesAfter: after, usedBytes: after, capacityBytes: 10_000 },
    ...rest,
  });
}

function action(over: object = {}) {
  return ActionValue.parse({
    actionId: 'act-1',
    type: 'prefetch',
    digest,
    host: { id: 'gpu-a', generation: 1 },
    state: 'pending',
    reason: 'subscribed',
    policy: 'p',
    chosen: 'prefetch',
    alternatives: [],
    inputs: '{}',
    inputsHash: '',
    decidedAt: 0,
    expiresAt: 1,
    correlationId: 'c',
    ...over,
  });
}

function replica(over: object = {}): Replica {
  return ReplicaValue.parse({
    digest,
    location: 'nvme:gpu-a',
    host: { id: 'gpu-a', generation: 1 },
    state: 'reserved',
    bytes: SIZE,
    versionId: 'v1',
    actionId: 'act-1',
    pinned: false,
    checkedAt: 10,
    ...over,
  });
}

const blobBytes = Bytes.parse(SIZE);
const evict = { type: 'evict', before: SIZE, after: 0 };
const evicting = replica({ state: 'evicting', pinned: false });
const held = replica({ state: 'verified' });

describe('a receipt', () => {
  it.each([
    ['of an action that nobody decided', receipt(), undefined, 'unknown-action'],
    ['about another host', receipt({ host: 'gpu-b' }), action(), 'other-command'],
    ['about another generation', receipt({ generation: 2 }), action(), 'other-command'],
    ['of another type', receipt({ type: 'verify' }), action(), 'other-command'],
    ['about another blob', receipt({ digest: 'b'.repeat(64) }), action(), 'other-command'],
    ['of an action that is done', receipt(), action({ state: 'done' }), 'already-settled'],
    ['of an action that was superseded', receipt(), action({ state: 'superseded' }), 'already-settled'],
    ['of a local fetch that was settled', receipt({ origin: 'local' }), action({ state: 'done' }), 'already-settled'],
    ['of a local pin', receipt({ origin: 'local', type: 'pin' }), undefined, 'not-local'],
  ])('%s has no effect', (_name, given, known, reason) => {
    expect(decideReceipt({ receipt: given, action: known, replica: undefined, blobBytes })).toEqual({
      kind: 'refused',
      reason,
    });
  });

  it.each([
    ['a fill of the right size', receipt(), action(), replica(), 'done', 'as-measured', 'verified'],
    [
      'a fill that was there already',
      receipt({ before: SIZE }),
      action(),
      replica(),
      'done',
      'as-measured',
      'verified',
    ],
    [
      'a fill of an expired action',
      receipt(),
      action({ state: 'expired' }),
      undefined,
      'done',
      'as-measured',
      'verified',
    ],
    ['a fill that is too short', receipt({ after: 999 }), action(), replica(), 'leaked', 'bytes-do-not-fit', 'unknown'],
    ['a fill that is too long', receipt({ after: 1001 }), action(), replica(), 'leaked', 'bytes-do-not-fit', 'unknown'],
    ['a fill of nothing', receipt({ after: 0 }), action(), replica(), 'failed', 'bytes-do-not-fit', 'gone'],
    [
      'a failed fill',
      receipt({ outcome: 'failed', code: 'no-room', after: 0 }),
      action(),
      replica(),
      'failed',
      'host-failed',
      'gone',
    ],
    [
      'a leaked fill',
      receipt({ outcome: 'leaked', code: 'disk-error', after: 9 }),
      action(),
      replica(),
      'leaked',
      'host-leaked',
      'unknown',
    ],
    [
      'a refused fill',
      receipt({ outcome: 'refused', code: 'expired', after: 0 }),
      action(),
      replica(),
      'refused',
      'host-refused',
      'gone',
    ],
    [
      'a refused eviction',
      receipt({ ...evict, outcome: 'refused', code: 'expired' }),
      action({ type: 'evict' }),
      evicting,
      'refused',
      'host-refused',
      'unknown',
    ],
    [
      'a refused verification',
      receipt({ type: 'verify', outcome: 'refused', code: 'expired', after: 0 }),
      action({ type: 'verify' }),
      held,
      'refused',
      'host-refused',
      'unchanged',
    ],
    [
      'a move down to SSD',
      receipt({ origin: 'local', type: 'demote', before: SIZE }),
      undefined,
      evicting,
      'done',
      'as-measured',
      'unchanged',
    ],
    ['an eviction', receipt(evict), action({ type: 'evict' }), evicting, 'done', 'as-measured', 'gone'],
    [
      'an eviction that left bytes',
      receipt({ ...evict, after: 1 }),
      action({ type: 'evict' }),
      evicting,
      'leaked',
      'bytes-do-not-fit',
      'unknown',
    ],
    [
      'an eviction of leased bytes',
      receipt({ ...evict, outcome: 'failed', code: 'leased', after: SIZE }),
      action({ type: 'evict' }),
      evicting,
      'failed',
      'host-failed',
      'verified',
    ],
    [
      'corrupt bytes that stay',
      receipt({ type: 'verify', outcome: 'failed', code: 'corrupt', before: SIZE }),
      action({ type: 'verify' }),
      held,
      'failed',
      'host-failed',
      'unknown',
    ],
    [
      'corrupt bytes that were removed',
      receipt({ type: 'verify', outcome: 'failed', code: 'corrupt', before: SIZE, after: 0 }),
      action({ type: 'verify' }),
      held,
      'failed',
      'host-failed',
      'gone',
    ],
    [
      'a pin of nothing',
      receipt({ type: 'pin', after: 0 }),
      action({ type: 'pin' }),
      held,
      'failed',
      'bytes-do-not-fit',
      'gone',
    ],
    [
      'an unpin of what is gone',
      receipt({ type: 'unpin', after: 0 }),
      action({ type: 'unpin' }),
      held,
      'done',
      'as-measured',
      'gone',
    ],
    [
      'a drain',
      receipt({ type: 'drain', digest: undefined }),
      action({ type: 'drain', digest: undefined }),
      undefined,
      'done',
      'as-measured',
      'unchanged',
    ],
    [
      'a late failure while a newer fill is under way',
      receipt({ outcome: 'failed', code: 'cancelled', after: 0 }),
      action(),
      replica({ actionId: 'act-2' }),
      'failed',
      'host-failed',
      'unchanged',
    ],
    [
      'what was measured before something newer',
      receipt(evict),
      action({ type: 'evict' }),
      replica({ state: 'verified', checkedAt: 101 }),
      'done',
      'as-measured',
      'unchanged',
    ],
    [
      'what an older life of the host measured by a clock that was ahead',
      receipt({ ...evict, generation: 2 }),
      action({ type: 'evict', host: { id: 'gpu-a', generation: 2 } }),
      replica({ state: 'verified', checkedAt: 101 }),
      'done',
      'as-measured',
      'gone',
    ],
  ] as const)('of %s', (_name, given, known, copy, state, reason, effect) => {
    expect(decideReceipt({ receipt: given, action: known, replica: copy, blobBytes })).toMatchObject({
      kind: 'settled',
      state,
      reason,
      replica: effect,
    });
  });

  it('of a pin or unpin moves the pin only when it is done', () => {
    const pin = { action: action({ type: 'pin' }), replica: held, blobBytes };
    expect(decideReceipt({ ...pin, receipt: receipt({ type: 'pin', before: SIZE }) })).toMatchObject({ pinned: true });
    const failed = receipt({ type: 'pin', outcome: 'failed', code: 'not-resident', after: 0 });
    expect(decideReceipt({ ...pin, receipt: failed })).toMatchObject({ pinned: false });
    const unpin = {
      action: action({ type: 'unpin' }),
      replica: replica({ state: 'verified', pinned: true }),
      blobBytes,
    };
    expect(decideReceipt({ ...unpin, receipt: receipt({ type: 'unpin', before: SIZE }) })).toMatchObject({
      pinned: false,
    });
  });

  it('of a refused eviction tells of a pin, unless the host was measured since', () => {
    const kept = receipt({ ...evict, outcome: 'failed', code: 'pinned', after: SIZE });
    const given = { receipt: kept, action: action({ type: 'evict' }), blobBytes };
    expect(decideReceipt({ ...given, replica: evicting })).toMatchObject({ replica: 'verified', pinned: true });
    const leased = receipt({ ...evict, outcome: 'failed', code: 'leased', after: SIZE });
    expect(decideReceipt({ ...given, receipt: leased, replica: evicting })).toMatchObject({ pinned: false });
    const unpinnedSince = replica({ state: 'verified', checkedAt: 101 });
    expect(decideReceipt({ ...given, replica: unpinnedSince })).toMatchObject({ replica: 'unchanged' });
  });

  it('about a blob that the catalog does not know never makes a verified copy', () => {
    const given = {
      receipt: receipt({ origin: 'local' }),
      action: undefined,
      replica: undefined,
      blobBytes: undefined,
    };
    expect(decideReceipt(given)).toMatchObject({ state: 'leaked', replica: 'unknown' });
    const moved = receipt({ origin: 'local', type: 'demote', before: SIZE });
    expect(decideReceipt({ ...given, receipt: moved })).toMatchObject({ state: 'done', replica: 'unchanged' });
    const unpinned = { receipt: receipt({ type: 'unpin', before: SIZE }), action: action({ type: 'unpin' }) };
    expect(decideReceipt({ ...given, ...unpinned })).toMatchObject({ state: 'done', replica: 'unknown' });
  });
});

describe('another try', () => {
  const NOW = EpochMs.parse(Date.parse('2026-11-20T00:00:00Z'));
  const hours = (attempt: number) => {
    const retry = decideRetry('origin-unavailable', attempt, NOW);
    // The schedule looks at what was due an hour ago.
    return retry?.by === 'schedule' ? (retry.at - NOW) / HOUR_MS + 1 : retry;
  };

  it('follows what may pass by itself: twice by a message, then by the schedule, later each time', () => {
    expect([1, 2].map(hours)).toEqual([
      { by: 'message', delaySeconds: 60 },
      { by: 'message', delaySeconds: 240 },
    ]);
    expect([3, 4, 5, 7, 8, 50].map(hours)).toEqual([1, 2, 4, 16, 24, 24]);
    // What S3 answers a host about an object that is gone.
    expect(decideRetry('denied', 1, NOW)).toBeDefined();
  });

  it('does not follow a full or broken disk', () => {
    for (const code of ['no-room', 'disk-error', 'leased'] as const) {
      expect(decideRetry(code, 1, NOW)).toBeUndefined();
      expect(decideRetry(code, 9, NOW)).toBeUndefined();
    }
  });
});
