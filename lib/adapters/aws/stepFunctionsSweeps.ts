import { STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import type { InventorySweeps } from '../../tiering/index.ts';
import { mapErrors } from './errors.ts';
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
      await mapErrors(`start ${name} over the inventory`, async () => {
        const answer = await fetch(url, sent);
        const text = await answer.text();
        if (!answer.ok && errorName(text) !== 'ExecutionAlreadyExists') throw new Refusal(answer.status, text);
      });
    },
  };
}

/** An answer that is no success, as the SDK would throw it. */
class Refusal extends Error {
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(status: number, text: string) {
    super(`${status} ${text}`);
    this.name = errorName(text);
    this.$metadata = { httpStatusCode: status };
  }
}

/** What the service calls the error: `__type` of the body, behind a `#` where it names its namespace. */
function errorName(text: string): string {
  const type = /"__type"\s*:\s*"([^"]+)"/.exec(text)?.[1] ?? '';
  return type.slice(type.lastIndexOf('#') + 1);
}
