export type { AgentPlane, PlaneAnswer } from './agentPlane.ts';
export { createJoinToken, JoinTokenId, listJoinTokens, revokeJoinToken } from './joinTokens.ts';
export {
  decideReap,
  reap,
  type ActionReaping,
  type HostReaping,
  type ReapDeps,
} from './reap.ts';
export {
  commandHost,
  type OperatorAnswer,
  type OperatorCommand,
  type OperatorDeps,
  type OperatorRefusal,
  type OperatorRequest,
} from './operatorCommands.ts';
export { decideFence, type FenceDeps, type FenceReason, fenceHost } from './fenceHost.ts';
export { decideHeartbeat, type HeartbeatDecision, type HeartbeatReason } from './decideHeartbeat.ts';
export {
  decideReceipt,
  type ReceiptDecision,
  type ReceiptFacts,
  type ReceiptRefusal,
  type ReplicaEffect,
  type SettleReason,
} from './decideReceipt.ts';
export { decideRetry, type Retry } from './decideRetry.ts';
export { decideResident, type ResidentReason, type ResidentReport } from './decideResidents.ts';
export { FleetError } from './errors.ts';
export type { HostCredentialIssuer } from './hostCredentials.ts';
export { openReport, type OpenedReport } from './hostReports.ts';
export { placeHost } from './placeHost.ts';
export { placeModel } from './placeModel.ts';
export { type PlacementDeps, type PlacementReason, placeOnHost } from './placeOnHost.ts';
export { limitedProblem, problemOf, refusalProblem, restoringProblem, skewProblem } from './problems.ts';
export { replayPlacement } from './placementInputs.ts';
export type { HeartbeatDeps, ReconcileReason } from './reconcileResidents.ts';
export { type HeartbeatAnswer, recordHeartbeat } from './recordHeartbeat.ts';
export { hostOfCaller, sessionHost } from './callerIdentity.ts';
export {
  decideRegistration,
  type HostProof,
  type RegistrationDecision,
  type RegistrationRefusal,
} from './decideRegistration.ts';
export {
  joinHost,
  type RegistrationAnswer,
  type RegistrationDeps,
  registerHost,
  rejoinHost,
} from './registerHost.ts';
export { type ResolveAnswer, type ResolveDeps, type ResolveRefusal, resolveModel } from './resolveModel.ts';
export { loadServable, type ServableOutcome, serveRefusal, type ServeRefusal } from './servable.ts';
export { type ClockSkew, type RefreshAnswer, refreshSession, type SessionRefusal } from './sessions.ts';
export { withdrawBlob } from './withdrawBlob.ts';
export { type ReceiptAnswer, type ReceiptDeps, settleReceipt } from './settleReceipt.ts';
export {
  type CommandReader,
  type EnvelopeRefusal,
  generateKeyPair,
  hostKeyId,
  type OpenedCommand,
  openCommand,
  signEnvelope,
  type VerifiedEnvelope,
  verifyEnvelope,
} from './signing.ts';
