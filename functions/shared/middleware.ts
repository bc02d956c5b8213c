import type { MiddlewareObj } from '@middy/core';
import { StrataError } from '../../lib/shared/errors.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { HandlerDeps } from './invocation.ts';

/** middy would start a timer of its own before the time limit; handlers watch the time left themselves, so it is off. */
export const WITHOUT_TIMER = { timeoutEarlyInMillis: 0 } as const;

/** Reports a call that failed as a whole and lets the failure pass, so that its trigger's retries and dead-letter queue act on it. */
export function reportFailure(deps: HandlerDeps, functionName: string): MiddlewareObj {
  return {
    onError: (request) => {
      const telemetry = deps.telemetry.with({ function: functionName, requestId: request.context.awsRequestId });
      reportError(telemetry, functionName, 'invocation-failed', request.error);
    },
  };
}

/** One line and one data point for a failed message or call. What may succeed later is a warning; the rest needs a person. */
export function reportError(telemetry: Telemetry, functionName: string, event: string, error: unknown): void {
  const code = error instanceof StrataError ? error.code : 'unexpected';
  const retryable = error instanceof StrataError && error.retryable;
  telemetry.metric('Failures', 'Count', 1, { function: functionName, kind: retryable ? 'retryable' : 'final' });
  if (retryable) telemetry.warn(event, { code, error: String(error) });
  else telemetry.error(event, error, { code });
}
