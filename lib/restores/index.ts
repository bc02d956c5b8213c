export { type AskDeps, type AskedRestore, askRestore, restoreForMove } from './askRestore.ts';
export { decideRestore, decideRestoreStep, type RestoreFacts } from './decideRestore.ts';
export { replayRestored } from './decideRestored.ts';
export { endDecisions } from './endDecisions.ts';
export { dueRestores } from './dueRestores.ts';
export { RestoreError } from './errors.ts';
export { replayRestore } from './restoreReceipt.ts';
export { restoreArchived } from './restoreArchived.ts';
export { lookAfterRestore, type RestoreAnswer, type RestoreDeps } from './lookAfterRestore.ts';
