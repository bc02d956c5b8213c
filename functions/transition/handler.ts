import { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { type TransitionDeps, transitionReplica } from '../../lib/tiering/index.ts';
import { type QueueHandler, queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { transition } from './function.ts';

export function createTransitionHandler(deps: TransitionDeps & QueueHandlerDeps): QueueHandler {
  return queueHandler(deps, {
    declaration: transition,
    message: TransitionReplica,
    correlationId: (message) => message.correlationId,
    handle: async (message, { telemetry, remainingMs }) => {
      await transitionReplica({ ...deps, telemetry }, message, remainingMs);
    },
  });
}
