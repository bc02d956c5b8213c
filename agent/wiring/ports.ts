import type { HostCredentials } from '../../events/host-api/v1.ts';
import { createHostClients } from '../../lib/adapters/aws/hostClients.ts';
import { createIamSigner } from '../../lib/adapters/aws/iamSignature.ts';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import { createSqsReceiver, createSqsSender } from '../../lib/adapters/aws/sqsQueues.ts';
import { blobRequest, createHttpObjectReader } from '../../lib/adapters/embedded/httpObjectReader.ts';
import { createHttpQueues } from '../../lib/adapters/embedded/httpQueues.ts';
import { createHttpAgentPlane } from '../../lib/adapters/plane/httpAgentPlane.ts';
import type { SignedRequest } from '../../lib/adapters/transfer/worker/protocol.ts';
import type { AgentPlane } from '../../lib/fleet/index.ts';
import type { MessageReceiver, MessageSender } from '../../lib/shared/ports/messageQueue.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';
import type { TransferJob } from '../../lib/shared/ports/transfer.ts';
import type { AgentSettings } from './config.ts';

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

/** `byToken`: the host registers by a join token; otherwise as the IAM identity that this process has. */
export function createPlanePorts(settings: AgentSettings, byToken: boolean): PlanePorts {
  const { runtime, plane: endpoint } = settings;
  if (runtime.kind === 'embedded') {
    let sessionToken = '';
    const options = { endpoint, token: () => sessionToken };
    const queues = createHttpQueues(options);
    return {
      plane: createHttpAgentPlane({ endpoint }),
      receiver: queues,
      sender: queues,
      objects: createHttpObjectReader(options),
      blobRequest: async (source) => blobRequest(options, source),
      useCredentials(credentials) {
        sessionToken = credentials.sessionToken;
      },
    };
  }
  const clients = createHostClients(runtime.region);
  const queues = { client: clients.sqs, urlPrefix: runtime.queueUrlPrefix };
  return {
    plane: createHttpAgentPlane({ endpoint, ...(byToken ? {} : { signForIam: createIamSigner(runtime.region) }) }),
    receiver: createSqsReceiver(queues),
    sender: createSqsSender(queues),
    objects: createS3ObjectStore({ client: clients.s3, bucket: runtime.bucket, verifiesChecksums: true }),
    blobRequest: (source, region) => clients.s3Requests.get({ bucket: runtime.bucket, ...source }, region),
    useCredentials: (credentials) => clients.use(credentials),
  };
}
