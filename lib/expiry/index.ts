export {
  decideExpiry,
  type ExpiryDecision,
  type ExpiryFacts,
  type ExpiryRefusal,
  replayExpiry,
} from './decideExpiry.ts';
export {
  type ExpireDeps,
  EXPIRY_LIMITS,
  type ExpiryReason,
  type ExpirySettings,
  expireVersions,
  mayExpire,
} from './expireVersions.ts';
export { type BlobExpiry, expiryOf } from './expiryOf.ts';
export { beginExpiries, endShard, foundChanges } from './expiryRun.ts';
