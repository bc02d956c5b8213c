import { type ReconcileDeps, reconcileUploads } from '../../lib/ingest/index.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type ScheduleHandler, scheduleHandler } from '../shared/scheduleHandler.ts';

export function createReconcileHandler(deps: ReconcileDeps & HandlerDeps): ScheduleHandler {
  return scheduleHandler(deps, {
    name: 'reconcile',
    handle: (_fired, invocation) => reconcileUploads(deps, invocation),
  });
}
