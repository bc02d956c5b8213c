export { alignVersion } from './alignVersions.ts';
export {
  type DigestDeps,
  type FirstPlace,
  HOT,
  type IngestCall,
  type IngestDeps,
  type PinnedUpload,
  type PublishedBytes,
  type ReconcileDeps,
} from './deps.ts';
export { decideAdmission } from './decideAdmission.ts';
export { decideObservation, type Notification } from './decideObservation.ts';
export { decidePublication } from './decidePublication.ts';
export { digestUpload } from './digestUpload.ts';
export { IngestError } from './errors.ts';
export { type ExpireDeps, expireUploads } from './expireUploads.ts';
export { type Observation, observeUpload } from './observeUpload.ts';
export { reconcileUploads } from './reconcile.ts';
export { type Release, releaseUpload } from './releaseUpload.ts';
export { rescanBlob } from './rescanBlob.ts';
export { rescanPage } from './rescanPage.ts';
export { rescanUpload } from './rescanUpload.ts';
export { startDueRescan, startRescan } from './startRescan.ts';
export { scanUpload } from './scanUpload.ts';
export { compareSequencers } from './sequencer.ts';
export { parseUploadKey, uploadKey, UPLOADS_PREFIX, type UploadTarget } from './uploadKey.ts';
