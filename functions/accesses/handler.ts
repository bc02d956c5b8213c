import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { type AccessDeps, countAccesses } from '../../lib/accesses/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { accesses } from './function.ts';

export function createAccessesHandler(deps: AccessDeps & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: accesses,
    message: SignedEnvelope,
    handle: async (envelope, { telemetry }) => {
      await countAccesses({ ...deps, telemetry }, envelope);
    },
  });
}
