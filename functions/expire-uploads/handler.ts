import { type ExpireDeps, expireUploads } from '../../lib/ingest/index.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type ScheduleHandler, scheduleHandler } from '../shared/scheduleHandler.ts';

export function createExpireUploadsHandler(deps: ExpireDeps & HandlerDeps): ScheduleHandler {
  return scheduleHandler(deps, {
    name: 'expire-uploads',
    handle: ({ at }, invocation) => expireUploads(deps, at, invocation),
  });
}
