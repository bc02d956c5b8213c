import { purgeDue } from '../../lib/deletion/index.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type ScheduleHandler, scheduleHandler } from '../shared/scheduleHandler.ts';

export function createStartPurgeHandler(deps: HandlerDeps & { readonly catalog: CatalogStore }): ScheduleHandler {
  return scheduleHandler(deps, {
    name: 'start-purge',
    handle: async ({ at }, { telemetry, remainingMs }) => {
      await purgeDue({ ...deps, telemetry }, at, remainingMs);
    },
  });
}
