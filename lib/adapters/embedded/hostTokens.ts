import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import type { HostCredentialIssuer } from '../../fleet/index.ts';
import { Generation, HostId } from '../../shared/ids.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import { EpochMs, HOUR_MS } from '../../shared/units.ts';

const LIFETIME_MS = HOUR_MS;

const Claims = z.strictObject({ host: HostId, generation: Generation, expiresAt: EpochMs });
export type HostClaims = z.infer<typeof Claims>;

export interface HostTokens extends HostCredentialIssuer {
  /** Who presents this token; undefined when it is forged or over. */
  verify(token: string): HostClaims | undefined;
}

/** Expiring bearer tokens (claims and their HMAC-SHA256) that stand where AWS has a tagged session. */
export function createHostTokens(options: { readonly secret: string; readonly clock: Clock }): HostTokens {
  const { secret, clock } = options;
  const mac = (claims: string) => createHmac('sha256', secret).update(claims).digest();

  return {
    async issue(host, generation) {
      const expiresAt = EpochMs.parse(clock.now() + LIFETIME_MS);
      const claims = Buffer.from(JSON.stringify({ host, generation, expiresAt })).toString('base64url');
      const sessionToken = `${claims}.${mac(claims).toString('base64url')}`;
      return { accessKeyId: `${host}.${generation}`, secretAccessKey: '', sessionToken, expiresAt };
    },
    verify(token) {
      const [claims = '', signature = ''] = token.split('.');
      const given = Buffer.from(signature, 'base64url');
      const expected = mac(claims);
      if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) return undefined;
      const parsed = Claims.parse(JSON.parse(Buffer.from(claims, 'base64url').toString()));
      return parsed.expiresAt > clock.now() ? parsed : undefined;
    },
  };
}
