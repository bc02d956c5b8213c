import { createHostClients } from '../../lib/adapters/aws/hostClients.ts';
import { createIamSigner } from '../../lib/adapters/aws/iamSignature.ts';
import { createS3ObjectStore } from '../../lib/adapters/aws/s3ObjectStore.ts';
import { createSqsReceiver, createSqsSender } from '../../lib/adapters/aws/sqsQueues.ts';
import { createHttpAgentPlane } from '../../lib/adapters/plane/httpAgentPlane.ts';
import type { AgentSettings } from './config.ts';
import type { PlanePorts } from './ports.ts';

type AwsRuntime = Extract<AgentSettings['runtime'], { kind: 'aws' }>;

export function createAwsPorts(runtime: AwsRuntime, endpoint: string, byToken: boolean): PlanePorts {
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
