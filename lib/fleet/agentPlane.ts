import type { HostSession, Problem, RegisterHost, ResolvedModel } from '../../events/host-api/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';

export type PlaneAnswer<T> =
  | { readonly outcome: 'answered'; readonly value: T }
  | { readonly outcome: 'refused'; readonly problem: Problem };

/**
 * What a host asks the plane for, beside queues and objects. Registering is authenticated by the caller's IAM identity or by
 * the join token in the request, the rest by the signature of the host's current generation.
 * Errors: `PortError` `throttled` and `unavailable` (retryable); whatever the plane has decided is a value.
 */
export interface AgentPlane {
  register(request: RegisterHost): Promise<PlaneAnswer<HostSession>>;
  /** Takes a `RejoinHost` signed by the generation that ends. */
  rejoin(envelope: SignedEnvelope): Promise<PlaneAnswer<HostSession>>;
  /** Takes a signed `RefreshSession`. */
  refresh(envelope: SignedEnvelope): Promise<PlaneAnswer<HostSession>>;
  /** Takes a signed `ResolveModel` or `ResolveBlob`. */
  resolve(envelope: SignedEnvelope): Promise<PlaneAnswer<ResolvedModel>>;
}
