import { type IngestDeps, startDueRescan } from '../../lib/ingest/index.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type ScheduleHandler, scheduleHandler } from '../shared/scheduleHandler.ts';

export function createStartRescanHandler(
  deps: HandlerDeps & Pick<IngestDeps, 'catalog' | 'scanner' | 'settings'>,
): ScheduleHandler {
  return scheduleHandler(deps, {
    name: 'start-rescan',
    handle: async (_fired, { telemetry }) => {
      const { rescanId, started } = await startDueRescan(deps);
      if (!started) return;
      telemetry.info('rescan-started', { rescanId });
      // Hour after hour, it tells of functions that judge by other rules or another policy than this one: an alarm of its own.
      telemetry.metric('RescansStarted', 'Count', 1);
    },
  });
}
