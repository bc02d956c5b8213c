export { type Broken, describeBroken } from './broken.ts';
export { AuditError } from './errors.ts';
export { listHistory, unsealedNumbers } from './history.ts';
export { auditChanges, type AuditRecord } from './record.ts';
export { type Actor, blobRecord, hashed, uploadRecord, versionObject, versionRecord, whyAligned } from './records.ts';
export { type SealObjects } from './sealObjects.ts';
export { type SealCall, type SealDeps, sealTrail } from './sealTrail.ts';
export { type Verification, type VerifyDeps, verifyTrail } from './verifyTrail.ts';
