import type { Context } from 'aws-lambda';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';

/** What every handler needs besides its capability's ports. */
export interface HandlerDeps {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** What a use case learns about the call that it runs in. */
export interface Invocation {
  readonly requestId: string;
  /** With the function's name, the request id and, where the message carries one, its correlation id on every line. */
  readonly telemetry: Telemetry;
  /** Milliseconds until the runtime stops the call; long work hands over to the queue before. */
  readonly remainingMs: () => number;
}

export function invocationOf(deps: HandlerDeps, functionName: string, context: Context): Invocation {
  return {
    requestId: context.awsRequestId,
    telemetry: deps.telemetry.with({ function: functionName, requestId: context.awsRequestId }),
    remainingMs: () => context.getRemainingTimeInMillis(),
  };
}

/** A Lambda context for runtimes that are not Lambda: the embedded one, the simulator, tests. */
export function createContext(options: {
  readonly functionName: string;
  readonly requestId: string;
  readonly remainingMs: () => number;
}): Context {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: options.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${options.functionName}`,
    memoryLimitInMB: '0',
    awsRequestId: options.requestId,
    logGroupName: `/aws/lambda/${options.functionName}`,
    logStreamName: options.requestId,
    getRemainingTimeInMillis: options.remainingMs,
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}
