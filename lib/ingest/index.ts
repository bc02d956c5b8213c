export type { IngestCall, IngestDeps, PinnedUpload } from './deps.ts';
export { decideAdmission } from './decideAdmission.ts';
export { decideObservation, type Notification } from './decideObservation.ts';
export { decidePublication } from './decidePublication.ts';
export { digestUpload } from './digestUpload.ts';
export { IngestError } from './errors.ts';
export { type Observation, observeUpload } from './observeUpload.ts';
export { compareSequencers } from './sequencer.ts';
export { parseUploadKey, uploadKey, UPLOADS_PREFIX, type UploadTarget } from './uploadKey.ts';
