import type { HostCredentials } from '../../events/host-api/v1.ts';
import type { Generation, HostId } from '../shared/ids.ts';

/** Issues short-lived rights to exactly one host's queue, the queues that hosts report to, and reading `blobs/*`. */
export interface HostCredentialIssuer {
  issue(host: HostId, generation: Generation): Promise<HostCredentials>;
}
