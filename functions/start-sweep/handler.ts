import { startSweep, type StartSweepDeps } from '../../lib/tiering/index.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type ScheduleHandler, scheduleHandler } from '../shared/scheduleHandler.ts';

export function createStartSweepHandler(deps: HandlerDeps & StartSweepDeps): ScheduleHandler {
  return scheduleHandler(deps, {
    name: 'start-sweep',
    handle: async ({ at }, { telemetry }) => {
      await startSweep({ ...deps, telemetry }, at);
    },
  });
}
