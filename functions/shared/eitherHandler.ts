import type { Context } from 'aws-lambda';
import type { ScheduleHandler } from './scheduleHandler.ts';
import type { StreamHandler } from './streamHandler.ts';

/** For a function with a stream and a schedule: a stream batch has records, a fired schedule has none. */
export function eitherHandler(handlers: {
  readonly stream: StreamHandler;
  readonly schedule: ScheduleHandler;
}): (event: unknown, context: Context) => Promise<void> {
  return (event, context) => {
    const isBatch = typeof event === 'object' && event !== null && 'Records' in event;
    return isBatch ? handlers.stream(event, context) : handlers.schedule(event, context);
  };
}
