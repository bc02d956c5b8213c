import createMiddy from '@middy/core';
import type { Context } from 'aws-lambda';
import { BatchOperationsCall } from '../../events/aws/batchOperationsCall.v1.ts';
import { createPricesInForce, type PricesDeps } from '../../lib/priceBooks/index.ts';
import { ContractError, errorText, StrataError } from '../../lib/shared/errors.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import { moveOfManifest, type MoveOfManifestDeps } from '../../lib/tiering/index.ts';
import { type HandlerDeps, invocationOf } from '../shared/invocation.ts';
import { reportError, reportFailure, WITHOUT_TIMER } from '../shared/middleware.ts';
import { moveListed } from './function.ts';

/** S3 tries a `TemporaryFailure` again; the others end in the job's report with their text. */
interface TaskResult {
  readonly taskId: string;
  readonly resultCode: 'Succeeded' | 'TemporaryFailure' | 'PermanentFailure';
  readonly resultString: string;
}

export interface BatchOperationsAnswer {
  readonly invocationSchemaVersion: '2.0';
  readonly treatMissingKeysAs: 'PermanentFailure';
  readonly invocationId: string;
  readonly results: readonly TaskResult[];
}

export type MoveListedHandler = (event: unknown, context: Context) => Promise<BatchOperationsAnswer>;
type Call = BatchOperationsCall;

export function createMoveListedHandler(
  deps: Omit<MoveOfManifestDeps, 'rates'> & PricesDeps & HandlerDeps,
): MoveListedHandler {
  const pricesInForce = createPricesInForce(deps);
  async function move(call: Call, task: Call['tasks'][number]): Promise<Omit<TaskResult, 'taskId'>> {
    const { at, budgetUsd, mostMoves, ...wish } = call.job.userArguments;
    const answer = await moveOfManifest(
      { ...deps, rates: await pricesInForce() },
      {
        ...wish,
        at: EpochMs.parse(Number(at)),
        limits: { budgetUsd: Number(budgetUsd), mostMoves: Number(mostMoves) },
        key: decodeURIComponent(task.s3Key),
        versionId: task.s3VersionId ?? undefined,
      },
    );
    const resultCode = answer.outcome === 'moving' ? 'Succeeded' : 'PermanentFailure';
    return { resultCode, resultString: `${answer.outcome}: ${answer.reason}` };
  }

  return createMiddy<unknown, BatchOperationsAnswer>(WITHOUT_TIMER)
    .use(reportFailure(deps, moveListed.name))
    .handler(async (event: unknown, context: Context): Promise<BatchOperationsAnswer> => {
      const call = parseCall(event);
      const { telemetry } = invocationOf(deps, moveListed.name, context);
      const results: TaskResult[] = [];
      for (const task of call.tasks) {
        const result = await move(call, task).catch((error: unknown): Omit<TaskResult, 'taskId'> => {
          reportError(telemetry.with({ key: task.s3Key, job: call.job.id }), moveListed.name, 'line-failed', error);
          const again = !(error instanceof StrataError) || error.retryable;
          return { resultCode: again ? 'TemporaryFailure' : 'PermanentFailure', resultString: errorText(error) };
        });
        results.push({ taskId: task.taskId, ...result });
      }
      const { invocationId, invocationSchemaVersion } = call;
      return { invocationSchemaVersion, treatMissingKeysAs: 'PermanentFailure', invocationId, results };
    });
}

function parseCall(event: unknown): Call {
  const call = BatchOperationsCall.safeParse(event);
  if (call.success) return call.data;
  throw new ContractError({
    code: 'invalid-message',
    message:
      'The call is no line of a plan’s manifest: create the job from the file that `strata plan --manifest` writes.',
    retryable: false,
    cause: call.error,
  });
}
