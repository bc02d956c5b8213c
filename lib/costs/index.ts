export { bucketCost, type CopyCost, hostCost } from './copyCost.ts';
export { COST_DIMENSIONS, type CostDimension, type CostLine, CostReport } from './costReport.ts';
export { type GpusCost, gpusCost, type HostTierCost, hostTiersCost } from './hostTiersCost.ts';
export { loadStored, storedUpload } from './loadStored.ts';
export { MoveOutcome, moveOutcome } from './moveOutcome.ts';
export { RunReport, type RunSummary } from './runReport.ts';
export { RetiredVersion, retiredVersions } from './retiredVersions.ts';
export { type CopyKind, StoredObject } from './storedObject.ts';
export { Opportunities, type Opportunity, type OpportunitySummary } from './opportunities.ts';
