import type { Context, SQSEvent } from 'aws-lambda';
import type { ScheduleHandler } from './scheduleHandler.ts';

/** For a function with a schedule and a queue or stream: a batch has records, a fired schedule has none. A stream's handler takes any event. */
export function eitherHandler<Answer>(handlers: {
  readonly batch: (event: SQSEvent, context: Context) => Promise<Answer>;
  readonly schedule: ScheduleHandler;
}): (event: unknown, context: Context) => Promise<Answer | void> {
  const isBatch = (event: unknown): event is SQSEvent =>
    typeof event === 'object' && event !== null && 'Records' in event;
  return (event, context) => (isBatch(event) ? handlers.batch(event, context) : handlers.schedule(event, context));
}
