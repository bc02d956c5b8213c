export { abandonOwnCopy, type CopyingDeps, copyResumably, PART_RESERVE_MS } from './copyResumably.ts';
