export { BY_PARTS_RESERVE_MS, writeResumably } from './writeResumably.ts';
export { abandonOwnCopy, type CopyingDeps, copyResumably, PART_RESERVE_MS } from './copyResumably.ts';
