import { type SealDeps, sealTrail } from '../../lib/audit/index.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type ScheduleHandler, scheduleHandler } from '../shared/scheduleHandler.ts';

export function createSealAuditHandler(deps: HandlerDeps & SealDeps): ScheduleHandler {
  return scheduleHandler(deps, {
    name: 'seal-audit',
    handle: (_fired, call) => sealTrail(deps, call),
  });
}
