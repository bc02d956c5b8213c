import { ALL_OUTBOX_SHARDS, outboxShards, type RelayDeps, relayOutbox } from '../../lib/relay/index.ts';
import type { HandlerDeps } from '../shared/invocation.ts';
import { type ScheduleHandler, scheduleHandler } from '../shared/scheduleHandler.ts';
import { type StreamHandler, streamHandler } from '../shared/streamHandler.ts';
import { eitherHandler } from '../shared/eitherHandler.ts';

/** Woken by the stream for the shards that got rows, and by the schedule for all of them. */
export function createRelayHandler(deps: RelayDeps & HandlerDeps): StreamHandler & ScheduleHandler {
  return eitherHandler({
    batch: streamHandler(deps, {
      name: 'relay',
      handle: (inserted, invocation) =>
        relayOutbox(deps, outboxShards(inserted.map(({ partition }) => partition)), invocation),
    }),
    schedule: scheduleHandler(deps, {
      name: 'relay',
      handle: (_fired, invocation) => relayOutbox(deps, ALL_OUTBOX_SHARDS, invocation),
    }),
  });
}
