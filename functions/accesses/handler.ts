import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { type AccessDeps, countAccesses } from '../../lib/accesses/index.ts';
import { type QueueHandler, queueHandler } from '../shared/queueHandler.ts';

export function createAccessesHandler(deps: AccessDeps): QueueHandler {
  return queueHandler(deps, {
    name: 'accesses',
    message: SignedEnvelope,
    handle: async (envelope, { telemetry }) => {
      await countAccesses({ ...deps, telemetry }, envelope);
    },
  });
}
