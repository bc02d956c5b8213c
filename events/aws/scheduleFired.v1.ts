import * as z from 'zod/mini';

/** What EventBridge Scheduler sends to a function as its whole input; our own text with its `<aws.scheduler.scheduled-time>` filled in. */
export const ScheduleFired = z.object({
  schedule: z.string(),
  /** ISO 8601, the moment that the schedule named, not that of delivery. */
  scheduledTime: z.string(),
});
export type ScheduleFired = z.infer<typeof ScheduleFired>;
