import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { type HeartbeatDeps, recordHeartbeat } from '../../lib/fleet/index.ts';
import { type QueueHandler, queueHandler } from '../shared/queueHandler.ts';

export function createHeartbeatsHandler(deps: HeartbeatDeps): QueueHandler {
  return queueHandler(deps, {
    name: 'heartbeats',
    message: SignedEnvelope,
    handle: async (envelope, { telemetry }) => {
      await recordHeartbeat({ ...deps, telemetry }, envelope);
    },
  });
}
