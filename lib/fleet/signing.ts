import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import * as z from 'zod/mini';
import { HostCommand } from '../../events/host-command/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { canonicalJson, type Json } from '../shared/canonicalJson.ts';
import type { Generation, HostId } from '../shared/ids.ts';
import type { SigningKey, VerifyingKey } from '../shared/ports/commandKeys.ts';
import type { Random } from '../shared/ports/random.ts';
import type { EpochMs } from '../shared/units.ts';
import { exactBytes, privateKeyOf, publicKeyOf } from './keyObjects.ts';

/* Envelopes whose sender is proven: Ed25519 (RFC 8032) over canonical JSON text, by the synchronous half of node:crypto. */

const PublicJwk = z.object({ x: z.string() });

/** A fresh key pair; 256 bits of `random` are its seed. */
export function generateKeyPair(keyId: string, random: Random): SigningKey & VerifyingKey {
  const privateKey = Buffer.from(random.id() + random.id(), 'hex').toString('base64url');
  const jwk = createPublicKey(signingKey(keyId, privateKey)).export({ format: 'jwk' });
  return { keyId, privateKey, publicKey: PublicJwk.parse(jwk).x };
}

/** The name of the key that a host signs its reports with in one generation. */
export function hostKeyId(host: HostId, generation: Generation): string {
  return `${host}.${generation}`;
}

/** Signs the canonical text of `payload`. Throws `TypeError` where the key is none. */
export function signEnvelope(payload: Json, key: SigningKey): SignedEnvelope {
  const text = canonicalJson(payload);
  const signature = sign(null, Buffer.from(text), signingKey(key.keyId, key.privateKey)).toString('base64url');
  return { schema: 'signed/1', keyId: key.keyId, payload: text, signature };
}

export type EnvelopeRefusal = 'unknown-key' | 'bad-signature' | 'malformed';

export type VerifiedEnvelope<T> =
  | { readonly outcome: 'verified'; readonly value: T }
  | { readonly outcome: 'refused'; readonly reason: EnvelopeRefusal };

/**
 * Opens an envelope: known key, then signature, and only then the text, which must be the canonical form of a value of
 * `schema`, so that one signed value has exactly one text. Never throws.
 */
export function verifyEnvelope<T extends Json>(
  envelope: SignedEnvelope,
  schema: z.ZodMiniType<T>,
  keys: readonly VerifyingKey[],
): VerifiedEnvelope<T> {
  const key = keys.find((one) => one.keyId === envelope.keyId);
  if (key === undefined) return { outcome: 'refused', reason: 'unknown-key' };
  if (!signatureHolds(envelope, key)) return { outcome: 'refused', reason: 'bad-signature' };
  const parsed = schema.safeParse(jsonOf(envelope.payload));
  if (!parsed.success || canonicalJson(parsed.data) !== envelope.payload) {
    return { outcome: 'refused', reason: 'malformed' };
  }
  return { outcome: 'verified', value: parsed.data };
}

/** Who opens a command, when, and which keys it trusts. */
export interface CommandReader {
  readonly keys: readonly VerifyingKey[];
  readonly host: HostId;
  readonly generation: Generation;
  readonly now: EpochMs;
}

export type OpenedCommand =
  | { readonly outcome: 'verified'; readonly command: HostCommand }
  /** Not from the plane, so nothing in it may be believed or answered. */
  | { readonly outcome: 'forged'; readonly reason: 'bad-signature' | 'malformed' }
  /** From the plane, but not for this host, this generation or this moment. */
  | {
      readonly outcome: 'refused';
      readonly reason: 'foreign-host' | 'stale-generation' | 'expired';
      readonly command: HostCommand;
    };

/** Opens a command on its host: whatever this does not call `verified` must have no effect. */
export function openCommand(envelope: SignedEnvelope, reader: CommandReader): OpenedCommand {
  const opened = verifyEnvelope(envelope, HostCommand, reader.keys);
  if (opened.outcome === 'refused') {
    return { outcome: 'forged', reason: opened.reason === 'malformed' ? 'malformed' : 'bad-signature' };
  }
  const command = opened.value;
  if (command.host !== reader.host) return { outcome: 'refused', reason: 'foreign-host', command };
  if (command.generation !== reader.generation) return { outcome: 'refused', reason: 'stale-generation', command };
  if (command.expiresAt <= reader.now) return { outcome: 'refused', reason: 'expired', command };
  return { outcome: 'verified', command };
}

function signatureHolds(envelope: SignedEnvelope, key: VerifyingKey): boolean {
  const signature = exactBytes(envelope.signature, 64);
  const publicKey = publicKeyOf(key.publicKey);
  if (signature === undefined || publicKey === undefined) return false;
  return verify(null, Buffer.from(envelope.payload), publicKey, signature);
}

function signingKey(keyId: string, privateKey: string): KeyObject {
  const key = privateKeyOf(privateKey);
  if (key === undefined) throw new TypeError(`Key ${keyId} is not 32 bytes of base64url.`);
  return key;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
