import { createPrivateKey, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HostCommand } from '../../../events/host-command/v1.ts';
import type { SignedEnvelope } from '../../../events/signed-envelope/v1.ts';
import { generateKeyPair, hostKeyId, openCommand, signEnvelope, verifyEnvelope } from '../../../lib/fleet/index.ts';
import { Generation, HostId } from '../../../lib/shared/ids.ts';
import { EpochMs } from '../../../lib/shared/units.ts';

const random = (seed: number) => ({ number: () => 0, id: () => (seed++).toString(16).padStart(32, '0') });
const plane = generateKeyPair('plane-1', random(1));
const stranger = generateKeyPair('plane-1', random(1_000));
const host = HostId.parse('gpu-a');
const generation = Generation.parse(3);

const command = HostCommand.parse({
  schema: 'host-command/1',
  actionId: 'a-1',
  host,
  generation,
  issuedAt: 1_000,
  expiresAt: 2_000,
  correlationId: 'c',
  command: { type: 'evict', digest: 'a'.repeat(64) },
});
const reader = { keys: [plane], host, generation, now: EpochMs.parse(1_500) };

describe('a signed envelope', () => {
  it('carries its value to whoever knows the key', () => {
    expect(verifyEnvelope(signEnvelope(command, plane), HostCommand, [plane])).toEqual({
      outcome: 'verified',
      value: command,
    });
  });

  it('signs by RFC 8032: its first test vector', () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    const halves = [seed.subarray(0, 16).toString('hex'), seed.subarray(16).toString('hex')];
    const pair = generateKeyPair('k', { number: () => 0, id: () => halves.shift()! });
    const publicKey = Buffer.from(pair.publicKey, 'base64url').toString('hex');
    expect(publicKey).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  });

  it('is refused when its key is unknown', () => {
    const envelope = signEnvelope(command, plane);
    expect(verifyEnvelope(envelope, HostCommand, [])).toEqual({ outcome: 'refused', reason: 'unknown-key' });
  });

  it('is refused when another key of the same name signed it', () => {
    const envelope = signEnvelope(command, stranger);
    expect(verifyEnvelope(envelope, HostCommand, [plane])).toEqual({ outcome: 'refused', reason: 'bad-signature' });
  });

  it('is refused when any one character of its text or signature differs', () => {
    const envelope = signEnvelope(command, plane);
    for (let at = 0; at < envelope.payload.length; at += 1) {
      const other = envelope.payload[at] === '1' ? '2' : '1';
      const payload = envelope.payload.slice(0, at) + other + envelope.payload.slice(at + 1);
      expect(verifyEnvelope({ ...envelope, payload }, HostCommand, [plane]).outcome).toBe('refused');
    }
    for (let at = 0; at < envelope.signature.length; at += 1) {
      const other = envelope.signature[at] === 'A' ? 'B' : 'A';
      const signature = envelope.signature.slice(0, at) + other + envelope.signature.slice(at + 1);
      expect(verifyEnvelope({ ...envelope, signature }, HostCommand, [plane]).outcome).toBe('refused');
    }
  });

  it.each([
    ['no JSON', 'nonsense'],
    ['no command', '{"schema":"host-command/1"}'],
    ['a command in another than its canonical text', JSON.stringify(command)],
    ['a command with one more member', JSON.stringify({ ...command, also: 1 })],
  ])('is refused when the signed text is %s', (_name, text) => {
    expect(verifyEnvelope(signText(text), HostCommand, [plane])).toEqual({ outcome: 'refused', reason: 'malformed' });
  });
});

describe('a command on its host', () => {
  it.each([
    ['is opened by the host that it names', reader, 'verified', undefined],
    ['is refused by another host', { ...reader, host: HostId.parse('gpu-b') }, 'refused', 'foreign-host'],
    [
      'is refused by a younger generation',
      { ...reader, generation: Generation.parse(4) },
      'refused',
      'stale-generation',
    ],
    [
      'is refused by an older generation',
      { ...reader, generation: Generation.parse(2) },
      'refused',
      'stale-generation',
    ],
    ['is refused from its expiry on', { ...reader, now: EpochMs.parse(2_000) }, 'refused', 'expired'],
    ['is forged when the plane does not know the key', { ...reader, keys: [] }, 'forged', 'bad-signature'],
  ])('%s', (_name, who, outcome, reason) => {
    const opened = openCommand(signEnvelope(command, plane), who);
    expect(opened).toMatchObject(reason === undefined ? { outcome, command } : { outcome, reason });
  });

  it('names the key of a host by its generation', () => {
    expect(hostKeyId(host, generation)).toBe('gpu-a.3');
  });
});

/** Signs text as it stands, which `signEnvelope` never does. */
function signText(text: string): SignedEnvelope {
  const frame = Buffer.from('302e020100300506032b657004220420', 'hex');
  const key = Buffer.concat([frame, Buffer.from(plane.privateKey, 'base64url')]);
  const signature = sign(null, Buffer.from(text), createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
  return { schema: 'signed/1', keyId: plane.keyId, payload: text, signature: signature.toString('base64url') };
}
