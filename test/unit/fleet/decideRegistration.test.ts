import { describe, expect, it } from 'vitest';
import { type Host, HostValue, JoinTokenValue } from '../../../lib/catalog/index.ts';
import { decideRegistration, hostOfCaller, type HostProof, sessionHost } from '../../../lib/fleet/index.ts';
import { Generation, HostId, HostPattern } from '../../../lib/shared/ids.ts';
import { EpochMs } from '../../../lib/shared/units.ts';

const A = HostId.parse('gpu-a');
const NOW = EpochMs.parse(1000);
const request = { host: A, publicKey: 'new' };

function host(state: string, publicKey = 'old'): Host {
  return HostValue.parse({
    id: 'gpu-a',
    generation: 2,
    state,
    publicKey,
    protocol: 1,
    queue: 'host-gpu-a-2',
    labels: {},
    subscriptions: [],
    capacityBytes: 0,
    usedBytes: 0,
    reservedBytes: 0,
    promisedBytes: 0,
    volumeFreeBytes: 0,
    measuredAt: 0,
    registeredAt: 0,
    heartbeatAt: 0,
    heartbeatSequence: 0,
    dueAt: 0,
  });
}

const identity = (name: string | undefined): HostProof => ({
  by: 'identity',
  host: name === undefined ? undefined : HostId.parse(name),
});
const signature = (generation: number): HostProof => ({ by: 'signature', generation: Generation.parse(generation) });
const token = (hosts: string, usedBy: readonly string[] = [], over: object = {}): HostProof => ({
  by: 'token',
  token: JoinTokenValue.parse({ tokenHash: 'h', hosts, uses: 1, usedBy, expiresAt: 1001, ...over }),
});

describe('a registration', () => {
  it.each<[string, Host | undefined, HostProof, string]>([
    ['a new host by its own identity', undefined, identity('gpu-a'), 'begin'],
    ['a silent host by its own identity', host('silent'), identity('gpu-a'), 'begin'],
    ['a retired host by its own identity', host('retired'), identity('gpu-a'), 'begin'],
    ['a host in service by its identity alone', host('active'), identity('gpu-a'), 'host-is-live'],
    ['a draining host by its identity alone', host('draining'), identity('gpu-a'), 'host-is-live'],
    ['the same key again', host('active', 'new'), identity('gpu-a'), 'repeat'],
    ['another identity', undefined, identity('gpu-b'), 'foreign-identity'],
    ['another identity with the host’s key', host('active', 'new'), identity('gpu-b'), 'foreign-identity'],
    ['no host’s identity', undefined, identity(undefined), 'foreign-identity'],
    ['the last generation’s key', host('active'), signature(2), 'begin'],
    ['an ended generation’s key', host('active'), signature(1), 'stale-generation'],
    ['the last generation’s key and the same new one', host('active', 'new'), signature(2), 'repeat'],
    ['a token of its name', undefined, token('gpu-a'), 'begin'],
    ['a token of its prefix', undefined, token('gpu-*'), 'begin'],
    ['a token for another name', undefined, token('gpu-b'), 'not-covered'],
    ['a token for names that begin otherwise', undefined, token('cpu-*'), 'not-covered'],
    ['a used token', undefined, token('gpu-*', ['gpu-b']), 'token-spent'],
    ['a used token of the same registration', host('active', 'new'), token('gpu-a', ['gpu-a']), 'repeat'],
    ['a used token and another key', host('silent'), token('gpu-a', ['gpu-a']), 'token-spent'],
    ['a known key by a token that did not register it', host('active', 'new'), token('gpu-a'), 'host-is-live'],
    ['a silent host by a token of its name', host('silent'), token('gpu-a'), 'begin'],
    ['a silent host by a token of its prefix', host('silent'), token('gpu-*'), 'host-is-known'],
    ['a retired host by a token of its prefix', host('retired'), token('gpu-*'), 'begin'],
    ['a host in service by a token of its name', host('active'), token('gpu-a'), 'host-is-live'],
    ['an expired token', undefined, token('gpu-a', [], { expiresAt: 1000 }), 'unknown-token'],
    ['no token', undefined, { by: 'token', token: undefined }, 'unknown-token'],
  ])('of %s', (_what, known, proof, expected) => {
    const decided = decideRegistration(request, known, proof, NOW);
    expect(decided.decision === 'refuse' ? decided.reason : decided.decision).toBe(expected);
  });
});

describe('an IAM identity', () => {
  const role = 'arn:aws:iam::123456789012:role/strata/strata-agent';

  it('is the host that its session is named after, in a role that is trusted', () => {
    const arn = 'arn:aws:sts::123456789012:assumed-role/strata-agent/i-0abc';
    expect(hostOfCaller(arn, [role])).toBe('i-0abc');
    expect(hostOfCaller(arn, ['arn:aws:iam::123456789012:role/other', role])).toBe('i-0abc');
    expect(hostOfCaller(arn, [])).toBeUndefined();
    expect(hostOfCaller('arn:aws-cn:sts::123456789012:assumed-role/strata-agent/i-0abc', [role])).toBe('i-0abc');
  });

  it.each([
    'arn:aws:sts::999999999999:assumed-role/strata-agent/i-0abc',
    'arn:aws:sts::123456789012:assumed-role/strata-agent-2/i-0abc',
    'arn:aws:sts::123456789012:assumed-role/strata-agent/Someone@Example',
    'arn:aws:sts::123456789012:federated-user/strata-agent/i-0abc',
    'arn:aws:iam::123456789012:root',
    '',
  ])('is no host as %s', (arn) => {
    expect(hostOfCaller(arn, [role])).toBeUndefined();
  });

  it('names the host of an instance by itself', () => {
    expect(sessionHost('arn:aws:sts::123456789012:assumed-role/any/i-0abc')).toBe('i-0abc');
    expect(sessionHost('arn:aws:iam::123456789012:user/a')).toBeUndefined();
    expect(HostPattern.safeParse('*').success).toBe(false);
  });
});
