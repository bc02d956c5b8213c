import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { CreateSecretCommand, PutSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSecretCommandKeys, signingKeyOf } from '../../lib/adapters/aws/secretCommandKeys.ts';
import { createManualClock } from '../support/manualClock.ts';
import { missing, secretsOf, useService } from '../support/aws.ts';

const skipped = missing('ministack');
const TEN_MINUTES = 600_000;

describe.skipIf(skipped !== undefined)(`command keys in Secrets Manager ${skipped ?? ''}`, () => {
  const service = useService('ministack');
  let client: SecretsManagerClient;
  beforeAll(() => {
    client = secretsOf(service.running());
  });

  async function prepare(name: string, secret: string) {
    const { ARN = '' } = await client.send(new CreateSecretCommand({ Name: name, SecretString: secret }));
    const clock = createManualClock();
    return { secretArn: ARN, clock, keys: createSecretCommandKeys({ client, secretArn: ARN, clock }) };
  }

  it('derives the same Ed25519 pair from the same secret, and signs what its public key verifies', async () => {
    const { keys } = await prepare('derived', 'a'.repeat(64));
    const current = await keys.current();
    expect(current).toEqual(signingKeyOf('a'.repeat(64)));
    const [published] = await keys.published();
    expect(published?.keyId).toBe(current.keyId);
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: published?.publicKey ?? '' };
    const privateKey = createPrivateKey({ key: { ...jwk, d: current.privateKey }, format: 'jwk' });
    const signature = sign(null, Buffer.from('command'), privateKey);
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
    expect(verify(null, Buffer.from('command'), publicKey, signature)).toBe(true);
  });

  it('publishes the pending key before it signs and the previous one after it did', async () => {
    const { secretArn, clock, keys } = await prepare('rotating', 'b'.repeat(64));
    const first = await keys.current();
    expect(await keys.published()).toHaveLength(1);
    const next = await client.send(
      new PutSecretValueCommand({
        SecretId: secretArn,
        SecretString: 'c'.repeat(64),
        VersionStages: ['AWSPENDING'],
      }),
    );
    await clock.advance(TEN_MINUTES);
    expect((await keys.current()).keyId).toBe(first.keyId);
    const second = signingKeyOf('c'.repeat(64));
    expect((await keys.published()).map(({ keyId }) => keyId)).toEqual([first.keyId, second.keyId]);
    const versions = await client.send(
      new PutSecretValueCommand({ SecretId: secretArn, SecretString: 'c'.repeat(64) }),
    );
    expect(versions.VersionId).not.toBe(next.VersionId);
    await clock.advance(TEN_MINUTES);
    expect((await keys.current()).keyId).toBe(second.keyId);
    expect((await keys.published()).map(({ keyId }) => keyId)).toContain(first.keyId);
  });

  it('refuses a secret that is too short to be one', async () => {
    const { keys } = await prepare('short', 'secret');
    await expect(keys.current()).rejects.toMatchObject({ code: 'invalid-request', retryable: false });
  });
});
