export type { JudgeDeps } from './judgeVersion.ts';
export { startOrphanSweep, type StartOrphanSweepDeps } from './startOrphanSweep.ts';
export { sweepOrphans } from './sweepOrphans.ts';
