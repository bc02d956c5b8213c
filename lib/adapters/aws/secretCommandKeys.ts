import { createHash, createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod/mini';
import type { Clock } from '../../shared/ports/clock.ts';
import type { CommandKeys, SigningKey, VerifyingKey } from '../../shared/ports/commandKeys.ts';
import { type EpochMs, MINUTE_MS } from '../../shared/units.ts';
import { awsErrorName, invalidRequest, mapErrors } from './errors.ts';

/** DER of an Ed25519 private key (RFC 8410) up to its 32 raw bytes. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const CACHE_MS = 5 * MINUTE_MS;
const MIN_SECRET_CHARACTERS = 32;
const Jwk = z.object({ x: z.string() });

type Stage = 'AWSCURRENT' | 'AWSPREVIOUS' | 'AWSPENDING';

/**
 * The plane's command keys, derived from a secret of Secrets Manager: any random string of at least 32 characters is key
 * material, so the secret can be generated and rotated without code that knows about keys. Rotation: store the next
 * string as AWSPENDING, wait until every host has refreshed its session, then move AWSCURRENT to it.
 * Answers are kept for five minutes; a failed read is not.
 */
export function createSecretCommandKeys(options: {
  readonly client: SecretsManagerClient;
  readonly secretArn: string;
  readonly clock: Clock;
}): CommandKeys {
  const { client, secretArn, clock } = options;
  const cached = new Map<Stage, { readonly at: EpochMs; readonly key: SigningKey | undefined }>();

  async function keyOf(stage: Stage): Promise<SigningKey | undefined> {
    const known = cached.get(stage);
    const now = clock.now();
    if (known !== undefined && now - known.at < CACHE_MS && now >= known.at) return known.key;
    const text = await readStage(stage);
    const key = text === undefined ? undefined : signingKeyOf(text);
    cached.set(stage, { at: now, key });
    return key;
  }

  async function readStage(stage: Stage): Promise<string | undefined> {
    return mapErrors(`read the command key (${stage})`, async () => {
      try {
        const answer = await client.send(new GetSecretValueCommand({ SecretId: secretArn, VersionStage: stage }));
        return answer.SecretString;
      } catch (error) {
        // No version has this stage, which is normal for all but AWSCURRENT.
        if (awsErrorName(error) === 'ResourceNotFoundException' && stage !== 'AWSCURRENT') return undefined;
        throw error;
      }
    });
  }

  return {
    async current() {
      const key = await keyOf('AWSCURRENT');
      if (key === undefined)
        throw invalidRequest('The command key secret holds no string. Store one of 32 characters.');
      return key;
    },
    async published() {
      const stages: readonly Stage[] = ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'];
      const keys = await Promise.all(stages.map(keyOf));
      const published = new Map<string, VerifyingKey>();
      for (const key of keys) {
        if (key !== undefined) published.set(key.keyId, { keyId: key.keyId, publicKey: publicKeyOf(key.privateKey) });
      }
      return [...published.values()];
    },
  };
}

/** HKDF-SHA-256 (RFC 5869) of the secret text is the Ed25519 seed; the key id is the beginning of its public key's SHA-256. */
export function signingKeyOf(secret: string): SigningKey {
  if (secret.length < MIN_SECRET_CHARACTERS) {
    throw invalidRequest(`The command key secret needs at least ${MIN_SECRET_CHARACTERS} characters.`);
  }
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'strata command key 1', 32));
  const privateKey = seed.toString('base64url');
  const keyId = createHash('sha256').update(publicKeyOf(privateKey)).digest('hex').slice(0, 16);
  return { keyId, privateKey };
}

function publicKeyOf(privateKey: string): string {
  const der = Buffer.concat([PKCS8_HEAD, Buffer.from(privateKey, 'base64url')]);
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  return Jwk.parse(key.export({ format: 'jwk' })).x;
}
