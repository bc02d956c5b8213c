import { describe, expect, it } from 'vitest';
import { HostHeartbeat } from '../../../events/host-heartbeat/v1.ts';
import { type Host, HostValue, type Replica, ReplicaValue } from '../../../lib/catalog/index.ts';
import { decideFence, decideHeartbeat, decideReap, decideResident, serveRefusal } from '../../../lib/fleet/index.ts';
import { operatorRefusal } from '../../../lib/fleet/operatorCommands.ts';
import { freeBytes } from '../../../lib/fleet/placementInputs.ts';
import { Digest, Generation } from '../../../lib/shared/ids.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import { blobOf } from '../../support/fleetWorld.ts';

const digest = Digest.parse('a'.repeat(64));

function host(over: object = {}): Host {
  return HostValue.parse({
    id: 'gpu-a',
    generation: 2,
    state: 'active',
    publicKey: 'k',
    protocol: 1,
    queue: 'host-gpu-a-2',
    labels: {},
    subscriptions: [],
    capacityBytes: 1000,
    usedBytes: 100,
    reservedBytes: 0,
    promisedBytes: 0,
    volumeFreeBytes: 5000,
    measuredAt: 0,
    registeredAt: 0,
    heartbeatAt: 0,
    heartbeatSequence: 5,
    dueAt: 0,
    ...over,
  });
}

function replica(state: string, generation = 2, over: object = {}): Replica {
  return ReplicaValue.parse({
    digest,
    location: 'nvme:gpu-a',
    host: { id: 'gpu-a', generation },
    state,
    bytes: 10,
    versionId: 'v',
    pinned: false,
    checkedAt: 50,
    ...over,
  });
}

function heartbeat(over: object = {}): HostHeartbeat {
  return HostHeartbeat.parse({
    schema: 'host-heartbeat/1',
    host: 'gpu-a',
    generation: 2,
    sequence: 6,
    at: 100,
    capacityBytes: 1000,
    usedBytes: 0,
    reservedBytes: 0,
    volumeFreeBytes: 5000,
    draining: false,
    activeLeases: 0,
    ...over,
  });
}

describe('a heartbeat', () => {
  it.each([
    ['is late', host(), heartbeat({ sequence: 4 }), 'out-of-order', undefined],
    ['comes again', host(), heartbeat({ sequence: 5 }), 'repeated', undefined],
    ['is the first of its generation', host({ heartbeatSequence: 0 }), heartbeat(), 'first', 'active'],
    ['comes from a silent host', host({ state: 'silent' }), heartbeat(), 'back', 'active'],
    [
      'comes from a silent host that drains',
      host({ state: 'silent' }),
      heartbeat({ draining: true }),
      'back',
      'draining',
    ],
    [
      'comes from a host that fell silent before it drained',
      host({ state: 'silent', drainAsked: true }),
      heartbeat(),
      'back',
      'draining',
    ],
    ['says that the host drains', host(), heartbeat({ draining: true }), 'alive', 'draining'],
    [
      'comes before the drain command has reached the host',
      host({ state: 'draining' }),
      heartbeat(),
      'alive',
      'draining',
    ],
    [
      'comes from a drained host that is empty',
      host({ state: 'draining' }),
      heartbeat({ draining: true }),
      'drained',
      'retired',
    ],
    [
      'comes from a drained host that is leased',
      host({ state: 'draining' }),
      heartbeat({ draining: true, activeLeases: 1 }),
      'alive',
      'draining',
    ],
    [
      'comes from a drained host with bytes',
      host({ state: 'draining' }),
      heartbeat({ draining: true, usedBytes: 1 }),
      'alive',
      'draining',
    ],
    ['comes from a retired host', host({ state: 'retired' }), heartbeat({ draining: true }), 'alive', 'retired'],
    ['is one of many', host(), heartbeat(), 'alive', 'active'],
  ] as const)('%s', (_name, known, beat, reason, state) => {
    const decided = decideHeartbeat(known, beat, EpochMs.parse(1_000), 50);
    expect(decided.reason).toBe(reason);
    expect(decided.host?.state).toBe(state);
    if (decided.host !== undefined)
      expect(decided.host).toMatchObject({ heartbeatAt: 1_000, dueAt: 1_050, measuredAt: 100 });
  });
});

describe('a list of residents', () => {
  const report = (listed: boolean, pinned?: boolean) => ({
    residents: new Set(listed ? [digest] : []),
    pinned: pinned === undefined ? undefined : new Set(pinned ? [digest] : []),
    generation: Generation.parse(2),
    at: EpochMs.parse(100),
  });

  it.each([
    ['names a believed copy', replica('verified'), true, 'as-known'],
    ['names a copy of an older generation', replica('verified', 1), true, 'confirmed'],
    ['names an unknown copy', replica('unknown'), true, 'confirmed'],
    ['lacks a believed copy', replica('verified'), false, 'lost'],
    ['lacks a copy that was measured later', replica('verified', 2, { checkedAt: 101 }), false, 'left-alone'],
    [
      'lacks a copy of an older generation, whatever its clock said',
      replica('verified', 1, { checkedAt: 101 }),
      false,
      'lost',
    ],
    ['lacks an unknown copy', replica('unknown'), false, 'lost'],
    ['names a fill under way', replica('reserved'), true, 'left-alone'],
    ['names a fill of an older generation', replica('reserved', 1), true, 'confirmed'],
    ['lacks a fill under way', replica('reserved'), false, 'left-alone'],
    ['names a copy that is being evicted', replica('evicting'), true, 'left-alone'],
  ] as const)('that %s', (_name, copy, listed, reason) => {
    expect(decideResident(copy, report(listed))).toBe(reason);
  });

  it.each([
    ['a pin that the catalog does not know', replica('verified'), true, 'pin-differs'],
    ['no pin where the catalog has one', replica('verified', 2, { pinned: true }), false, 'pin-differs'],
    ['the pin that the catalog has', replica('verified', 2, { pinned: true }), true, 'as-known'],
    ['nothing of pins, as older agents do', replica('verified', 2, { pinned: true }), undefined, 'as-known'],
    ['an older pin than what was measured since', replica('verified', 2, { checkedAt: 101 }), true, 'as-known'],
  ] as const)('that tells of %s', (_name, copy, pinned, reason) => {
    expect(decideResident(copy, report(true, pinned))).toBe(reason);
  });
});

describe('a fence', () => {
  it.each([
    ['ends a fill of an older generation', replica('reserved', 1), host(), 'fill-ended'],
    ['doubts a copy of an older generation', replica('verified', 1), host(), 'unknown-until-reported'],
    ['doubts an eviction of an older generation', replica('evicting', 1), host(), 'unknown-until-reported'],
    ['leaves a doubted copy in doubt', replica('unknown', 1), host(), 'believed'],
    ['believes the current generation', replica('verified'), host(), 'believed'],
    ['doubts a silent host', replica('verified'), host({ state: 'silent' }), 'unknown-until-reported'],
    ['leaves a silent host its fills', replica('reserved'), host({ state: 'silent' }), 'believed'],
    ['forgets a retired host', replica('verified'), host({ state: 'retired' }), 'retired'],
  ] as const)('%s', (_name, copy, known, reason) => {
    expect(decideFence(copy, known)).toBe(reason);
  });
});

describe('a host that is due', () => {
  it.each([
    ['becomes silent', host({ dueAt: 1_000 }), 'silent'],
    ['becomes silent while it drains', host({ state: 'draining', dueAt: 1_000 }), 'silent-draining'],
    ['becomes silent though it was to drain', host({ drainAsked: true, dueAt: 1_000 }), 'silent-draining'],
    ['was heard meanwhile', host({ dueAt: 1_001 }), 'heard-since'],
    ['is retired when it was silent', host({ state: 'silent', dueAt: 1_000 }), 'retired'],
    ['is retired already', host({ state: 'retired', dueAt: 1_000 }), 'heard-since'],
  ] as const)('%s', (_name, known, reason) => {
    expect(decideReap(known, EpochMs.parse(1_000))).toBe(reason);
  });
});

describe('free bytes', () => {
  it.each([
    ['what is neither used nor promised', host({ promisedBytes: 300 }), 600],
    [
      'counts a fill under way once, as promised or as reserved by the host',
      host({ promisedBytes: 300, reservedBytes: 300 }),
      600,
    ],
    ['counts what the host reserved for itself', host({ reservedBytes: 400 }), 500],
    [
      'is capped by the volume, less what is promised and not reserved on it',
      host({ volumeFreeBytes: 200, promisedBytes: 150 }),
      50,
    ],
    ['is never below nothing', host({ usedBytes: 2000 }), 0],
  ])('%s', (_name, known, free) => {
    expect(freeBytes(known)).toBe(free);
  });
});

describe('the gate', () => {
  const blob = blobOf('a', EpochMs.parse(0));
  it.each([
    ['passes what today’s rules call clean', blob, undefined],
    ['refuses what the catalog does not know', undefined, 'unknown-blob'],
    ['refuses another verdict', { ...blob, findings: { ...blob.findings, status: 'unscanned' as const } }, 'not-clean'],
    ['refuses other rules', { ...blob, findings: { ...blob.findings, rules: 'old' } }, 'stale-rules'],
  ])('%s', (_name, given, reason) => {
    expect(serveRefusal(given, blob.findings.rules)).toBe(reason);
  });
});

describe('an operator’s command', () => {
  const evict = { type: 'evict', digest } as const;
  it.each([
    ['to nobody', evict, undefined, undefined, 'unknown-host'],
    ['to a silent host', { type: 'drain' } as const, host({ state: 'silent' }), undefined, 'host-not-listening'],
    ['to a retired host', { type: 'report' } as const, host({ state: 'retired' }), undefined, 'host-not-listening'],
    ['about what is not there', evict, host(), undefined, 'not-resident'],
    ['about a copy of an older generation', evict, host(), replica('verified', 1), 'not-resident'],
    ['about a fill', evict, host(), replica('reserved'), 'busy'],
    ['to evict what is pinned', evict, host(), replica('verified', 2, { pinned: true }), 'pinned'],
    [
      'to verify what is pinned',
      { type: 'verify', digest } as const,
      host(),
      replica('verified', 2, { pinned: true }),
      undefined,
    ],
    ['to evict', evict, host(), replica('verified'), undefined],
    ['to drain', { type: 'drain' } as const, host(), undefined, undefined],
  ])('%s', (_name, command, known, copy, reason) => {
    expect(operatorRefusal(command, known, copy)).toBe(reason);
  });
});
