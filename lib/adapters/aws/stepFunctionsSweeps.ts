import { STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import { PortError } from '../../shared/errors.ts';
import type { InventorySweeps } from '../../tiering/index.ts';
import { iamHeaders } from './iamSignature.ts';

interface StepFunctionsConnection extends Pick<STSClientConfig, 'region' | 'credentials'> {
  readonly endpoint?: string | undefined;
}

const WITHIN_MS = 10_000;

/**
 * Starts executions of the sweep's state machine, named by the sweep: a name that was used within 90 days starts nothing again.
 * One signed request, so that a whole client need not be brought for it
 * (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html).
 */
export function createStepFunctionsSweeps(
  stateMachineArn: string,
  connection: StepFunctionsConnection = {},
): InventorySweeps {
  const { endpoint: given, ...identity } = connection;
  const { config } = new STSClient(identity);
  return {
    async start(name, input) {
      const region = await config.region();
      const url = new URL(given ?? process.env['AWS_ENDPOINT_URL'] ?? `https://states.${region}.amazonaws.com`);
      const body = JSON.stringify({ stateMachineArn, name, input: JSON.stringify(input) });
      const typed = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AWSStepFunctions.StartExecution' };
      const call = { url, method: 'POST', body, region, service: 'states', at: new Date(), headers: typed } as const;
      const headers = iamHeaders(call, await config.credentials());
      const sent = { method: 'POST', headers, body, signal: AbortSignal.timeout(WITHIN_MS) };
      const answer = await fetch(url, sent).catch((cause: unknown) => {
        throw refused(name, 'no answer', true, cause);
      });
      if (answer.ok) return;
      const text = await answer.text();
      if (text.includes('ExecutionAlreadyExists')) return;
      const passing = answer.status === 429 || answer.status >= 500 || text.includes('Throttling');
      throw refused(name, `${answer.status} ${text}`, passing);
    },
  };
}

function refused(name: string, text: string, retryable: boolean, cause?: unknown): PortError {
  const code = retryable ? 'unavailable' : 'access-denied';
  return new PortError({ code, message: `Could not start ${name} over the inventory: ${text}.`, retryable, cause });
}
