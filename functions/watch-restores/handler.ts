import { dueRestores } from '../../lib/restores/index.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type ScheduleHandler, scheduleHandler } from '../shared/scheduleHandler.ts';

export function createWatchRestoresHandler(deps: HandlerDeps & { readonly catalog: CatalogStore }): ScheduleHandler {
  return scheduleHandler(deps, {
    name: 'watch-restores',
    handle: async ({ at }, { telemetry, remainingMs }) => {
      await dueRestores({ ...deps, telemetry }, at, remainingMs);
    },
  });
}
