export { type HostFacts, judgeHost, type Measured, type PlaneAnswer, type Registration } from './doctorHost.ts';
export type { OperationInput, OperationName, OperationOutput, Operations } from './contract.ts';
export {
  answerOperation,
  createRemoteOperations,
  OperationAnswer,
  OperationFailure,
  RemoteOperationError,
} from './endpoint.ts';
export { OperationsError } from './errors.ts';
export { createOperations, type OperationsDeps } from './operations.ts';
export type { DeadLetterQueue, DeadLetters, DeclaredDeadLetters, QueueStanding, WorkQueue } from './ports.ts';
export { createDeadLetters } from './createDeadLetters.ts';
export type { Room } from './doctor.ts';
export { planeHealth } from './planeHealth.ts';
export { redactedText } from './redact.ts';
export type { DoctorCheck } from './views.ts';
