import { type RefreshDeps, refreshPrices } from '../../lib/priceBooks/index.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type ScheduleHandler, scheduleHandler } from '../shared/scheduleHandler.ts';

export function createRefreshPricesHandler(deps: HandlerDeps & RefreshDeps): ScheduleHandler {
  return scheduleHandler(deps, {
    name: 'refresh-prices',
    handle: (_fired, { telemetry }) => refreshPrices({ ...deps, telemetry }),
  });
}
