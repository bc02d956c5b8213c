export { decideBlobPurge, decidePurge, refuseDeletion } from './decideDeletion.ts';
export { decideDelete, deleteVersion } from './deleteVersion.ts';
export { DeletionError } from './errors.ts';
export { holdVersion } from './holdVersion.ts';
export { purgeDue } from './purgeDue.ts';
export { type ForgottenAnswer, purgeForgotten } from './purgeForgotten.ts';
export { type PurgeAnswer, type PurgeDeps, purgeVersion } from './purgeVersion.ts';
export { undoDelete } from './undoDelete.ts';
