import { type ReapDeps, reap } from '../../lib/fleet/index.ts';
import { type ScheduleHandler, scheduleHandler } from '../shared/scheduleHandler.ts';

export function createReapHandler(deps: ReapDeps): ScheduleHandler {
  return scheduleHandler(deps, {
    name: 'reap',
    handle: (_fired, { telemetry, remainingMs }) => reap({ ...deps, telemetry }, remainingMs),
  });
}
