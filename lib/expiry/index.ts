export {
  decideExpiry,
  type ExpiryDecision,
  type ExpiryFacts,
  type ExpiryRefusal,
  replayExpiry,
} from './decideExpiry.ts';
export {
  type ExpireDeps,
  type ExpiryReason,
  type ExpirySettings,
  expireVersions,
  LIFECYCLE_SETTINGS,
  mayExpire,
} from './expireVersions.ts';
export { type BlobExpiry, expiryOf } from './expiryOf.ts';
export { beginExpiries, endShard, foundChanges } from './expiryRun.ts';
