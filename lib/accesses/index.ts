export { type AccessDeps, type BatchReason, countAccesses, loadAccesses } from './countAccesses.ts';
export { createHostDemand, type HostDemand } from './hostDemand.ts';
export {
  type AccessReason,
  type AccessSummary,
  addCounts,
  decideCounts,
  type MonthCount,
  type ReadDay,
  summarizeAccesses,
} from './decideCounts.ts';
