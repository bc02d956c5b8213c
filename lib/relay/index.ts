export {
  ALL_OUTBOX_SHARDS,
  outboxShards,
  type RelayCall,
  type RelayDeps,
  RelayError,
  relayOutbox,
} from './relayOutbox.ts';
