import { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { type TransitionDeps, transitionReplica } from '../../lib/tiering/index.ts';
import { type QueueHandler, queueHandler } from '../shared/queueHandler.ts';

export function createTransitionHandler(deps: TransitionDeps): QueueHandler {
  return queueHandler(deps, {
    name: 'transition',
    message: TransitionReplica,
    correlationId: (message) => message.correlationId,
    handle: async (message, { telemetry, remainingMs }) => {
      await transitionReplica({ ...deps, telemetry }, message, remainingMs);
    },
  });
}
