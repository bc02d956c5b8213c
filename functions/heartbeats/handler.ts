import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { type HeartbeatDeps, recordHeartbeat } from '../../lib/fleet/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { heartbeats } from './function.ts';

export function createHeartbeatsHandler(deps: HeartbeatDeps & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: heartbeats,
    message: SignedEnvelope,
    handle: async (envelope, { telemetry }) => {
      await recordHeartbeat({ ...deps, telemetry }, envelope);
    },
  });
}
