import type { HostCredentials } from '../../events/host-api/v1.ts';
import type { SignedRequest } from '../../lib/adapters/transfer/worker/protocol.ts';
import type { AgentPlane } from '../../lib/fleet/index.ts';
import type { MessageReceiver, MessageSender } from '../../lib/shared/ports/messageQueue.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';
import type { TransferJob } from '../../lib/shared/ports/transfer.ts';

/** The agent's ways to the outside: the same ports over the embedded runtime's endpoint or over AWS. */
export interface PlanePorts {
  readonly plane: AgentPlane;
  readonly receiver: MessageReceiver;
  readonly sender: MessageSender;
  readonly objects: ObjectReader;
  /** A request for a pinned blob with the rights that the host has now, in another region where S3 said so. */
  readonly blobRequest: (source: TransferJob['source'], region: string | undefined) => Promise<SignedRequest>;
  readonly useCredentials: (credentials: HostCredentials) => void;
}
