import type { Host, JoinToken } from '../catalog/index.ts';
import type { Generation, HostId } from '../shared/ids.ts';
import type { EpochMs } from '../shared/units.ts';
import { covers, isPrefix } from './joinTokens.ts';

/** How a caller proves which host it is. */
export type HostProof =
  /** The join token that it sent, as it is known. */
  | { readonly by: 'token'; readonly token: JoinToken | undefined }
  /** The one host that its IAM identity may be; undefined for an identity that may be none. */
  | { readonly by: 'identity'; readonly host: HostId | undefined }
  /** A signature of this generation's key. */
  | { readonly by: 'signature'; readonly generation: Generation };

export type RegistrationRefusal =
  | 'unsupported-protocol'
  /** No such token, or it has expired. */
  | 'unknown-token'
  /** It has registered as many hosts as it may. */
  | 'token-spent'
  /** The token is for hosts of other names. */
  | 'not-covered'
  /** The caller's IAM identity is not the host that it wants to be. */
  | 'foreign-identity'
  /** The name is that of a host in service, and only that host's own key can move it on. */
  | 'host-is-live'
  /** A token for many names registers new ones only. */
  | 'host-is-known'
  /** The generation that signs has ended. */
  | 'stale-generation'
  | 'unknown-host';

export type RegistrationDecision =
  | { readonly decision: 'begin' }
  /** The answer to this very registration may have been lost. */
  | { readonly decision: 'repeat' }
  | { readonly decision: 'refuse'; readonly reason: RegistrationRefusal };

/**
 * Whether a registration begins a generation. Nobody but the host itself, by its key, takes the name of a host that is in service:
 * a stolen or mistaken token, a second machine of the same name and a stolen role cannot push it out.
 */
export function decideRegistration(
  request: { readonly host: HostId; readonly publicKey: string },
  host: Host | undefined,
  proof: HostProof,
  now: EpochMs,
): RegistrationDecision {
  const sameKey = host?.publicKey === request.publicKey;
  switch (proof.by) {
    case 'signature':
      if (sameKey) return { decision: 'repeat' };
      return host?.generation === proof.generation ? { decision: 'begin' } : refuse('stale-generation');
    case 'identity':
      if (proof.host !== request.host) return refuse('foreign-identity');
      if (sameKey) return { decision: 'repeat' };
      return isLive(host) ? refuse('host-is-live') : { decision: 'begin' };
    case 'token':
      return decideByToken(request.host, host, sameKey, proof.token, now);
  }
}

function decideByToken(
  name: HostId,
  host: Host | undefined,
  sameKey: boolean,
  token: JoinToken | undefined,
  now: EpochMs,
): RegistrationDecision {
  if (token === undefined || token.expiresAt <= now) return refuse('unknown-token');
  if (!covers(token.hosts, name)) return refuse('not-covered');
  // A public key is no secret: it opens nothing to a token that did not register it.
  if (sameKey && token.usedBy.includes(name)) return { decision: 'repeat' };
  if (token.usedBy.length >= token.uses) return refuse('token-spent');
  if (isLive(host)) return refuse('host-is-live');
  const known = host !== undefined && host.state !== 'retired';
  return known && isPrefix(token.hosts) ? refuse('host-is-known') : { decision: 'begin' };
}

function isLive(host: Host | undefined): boolean {
  return host?.state === 'active' || host?.state === 'draining';
}

function refuse(reason: RegistrationRefusal): RegistrationDecision {
  return { decision: 'refuse', reason };
}
