import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { startSweep } from '../../lib/tiering/index.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type ScheduleHandler, scheduleHandler } from '../shared/scheduleHandler.ts';

export function createStartSweepHandler(deps: HandlerDeps & { readonly catalog: CatalogStore }): ScheduleHandler {
  return scheduleHandler(deps, {
    name: 'start-sweep',
    handle: async ({ at }) => {
      await startSweep(deps, at);
    },
  });
}
