import * as z from 'zod/mini';
import { describeIssues } from '../shared/describeIssues.ts';
import { errorText, StrataError } from '../shared/errors.ts';
import {
  CONTRACTS,
  isOperationName,
  type OperationInput,
  type OperationName,
  type OperationOutput,
  type Operations,
} from './contract.ts';
import { OperationsError } from './errors.ts';

export const OperationFailure = z.object({ code: z.string(), message: z.string(), retryable: z.boolean() });
export type OperationFailure = z.infer<typeof OperationFailure>;

/** How an operation travels back over a connection: JSON. */
export const OperationAnswer = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), output: z.unknown() }),
  z.object({ ok: z.literal(false), failure: OperationFailure }),
]);
export type OperationAnswer = z.infer<typeof OperationAnswer>;

/** Answers one call that came over a connection: checks name and input, runs it, tells failures by code. Never rejects. */
export async function answerOperation(operations: Operations, name: string, input: unknown): Promise<OperationAnswer> {
  try {
    if (!isOperationName(name)) {
      throw new OperationsError({
        code: 'unknown-operation',
        message: `There is no operation ${name.slice(0, 100)}. Use a \`strata\` of the same release as the plane.`,
        retryable: false,
      });
    }
    return { ok: true, output: await run(operations, name, input) };
  } catch (error) {
    const known = error instanceof StrataError;
    const code = known ? error.code : 'internal';
    const message = known ? error.message : errorText(error);
    return { ok: false, failure: { code, message, retryable: known && error.retryable } };
  }
}

async function run<Name extends OperationName>(
  operations: Operations,
  name: Name,
  input: unknown,
): Promise<OperationOutput<Name>> {
  const parsed = CONTRACTS[name].input.safeParse(input);
  if (parsed.success) return operations[name](parsed.data);
  throw new OperationsError({
    code: 'invalid-input',
    message: `The input of ${name} is not what it takes: ${describeIssues(parsed.error.issues)}.`,
    retryable: false,
  });
}

/** What a failed call on a distant plane throws: its own code and message, as they came. */
export class RemoteOperationError extends StrataError {}

/** The operations over a connection. `call` carries one there and its answer back. */
export function createRemoteOperations(
  call: (name: OperationName, input: unknown) => Promise<OperationAnswer>,
): Operations {
  const remote =
    <Name extends OperationName>(name: Name) =>
    async (input: OperationInput<Name>): Promise<OperationOutput<Name>> => {
      const answer = await call(name, input);
      if (!answer.ok) throw new RemoteOperationError(answer.failure);
      return CONTRACTS[name].output.parse(answer.output);
    };
  return {
    listModels: remote('listModels'),
    showModel: remote('showModel'),
    showVersion: remote('showVersion'),
    explain: remote('explain'),
    listUploads: remote('listUploads'),
    inspectUpload: remote('inspectUpload'),
    releaseUpload: remote('releaseUpload'),
    startRescan: remote('startRescan'),
    showAudit: remote('showAudit'),
    verifyAudit: remote('verifyAudit'),
    listExpiryRuns: remote('listExpiryRuns'),
    listNotices: remote('listNotices'),
    listHosts: remote('listHosts'),
    showHostMetrics: remote('showHostMetrics'),
    promoteAlias: remote('promoteAlias'),
    rollbackAlias: remote('rollbackAlias'),
    removeAlias: remote('removeAlias'),
    deprecateVersion: remote('deprecateVersion'),
    planTiers: remote('planTiers'),
    showStorage: remote('showStorage'),
    listRuns: remote('listRuns'),
    listRunMoves: remote('listRunMoves'),
    listStored: remote('listStored'),
    listRetired: remote('listRetired'),
    beginPlan: remote('beginPlan'),
    applyTier: remote('applyTier'),
    explainTiers: remote('explainTiers'),
    showPrices: remote('showPrices'),
    acceptPrices: remote('acceptPrices'),
    showJudging: remote('showJudging'),
    showTierPolicy: remote('showTierPolicy'),
    acceptTierPolicy: remote('acceptTierPolicy'),
    restoreVersion: remote('restoreVersion'),
    deleteVersion: remote('deleteVersion'),
    undoDelete: remote('undoDelete'),
    listDeleted: remote('listDeleted'),
    holdVersion: remote('holdVersion'),
    listDeadLetters: remote('listDeadLetters'),
    redriveDeadLetters: remote('redriveDeadLetters'),
    showDeadLetters: remote('showDeadLetters'),
    listServiceLevels: remote('listServiceLevels'),
    showServiceLevel: remote('showServiceLevel'),
    setServiceLevel: remote('setServiceLevel'),
    listBrokenPromises: remote('listBrokenPromises'),
    listJoinTokens: remote('listJoinTokens'),
    revokeJoinToken: remote('revokeJoinToken'),
    createJoinToken: remote('createJoinToken'),
    commandHost: remote('commandHost'),
    showActions: remote('showActions'),
    listHostActions: remote('listHostActions'),
    doctor: remote('doctor'),
  };
}
