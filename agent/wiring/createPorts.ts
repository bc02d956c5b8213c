import { blobRequest, createHttpObjectReader } from '../../lib/adapters/embedded/httpObjectReader.ts';
import { createHttpQueues } from '../../lib/adapters/embedded/httpQueues.ts';
import { createHttpAgentPlane } from '../../lib/adapters/plane/httpAgentPlane.ts';
import type { AgentSettings } from './config.ts';
import type { PlanePorts } from './ports.ts';

/** `byToken`: the host registers by a join token; otherwise as the IAM identity that this process has. */
export async function createPlanePorts(settings: AgentSettings, byToken: boolean): Promise<PlanePorts> {
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
  // The SDK takes a tenth of a second to load, and a host of the embedded runtime needs none of it.
  const { createAwsPorts } = await import('./awsPorts.ts');
  return createAwsPorts(runtime, endpoint, byToken);
}
