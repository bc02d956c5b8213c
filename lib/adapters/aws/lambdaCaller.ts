import { STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import { PortError } from '../../shared/errors.ts';
import { iamHeaders } from './iamSignature.ts';

/** What the SDK would find out by itself, where it cannot. */
interface LambdaConnection extends Pick<STSClientConfig, 'region' | 'credentials'> {
  readonly endpoint?: string | undefined;
}

const WITHIN_MS = 30_000;

/**
 * Hands an event to a function as a scheduler does: Lambda queues it, tries three times, and gives what fails to the function's
 * dead-letter queue. One signed request, so that a whole client need not be brought for it
 * (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
 */
export function createLambdaCaller(
  functionPrefix: string,
  connection: LambdaConnection = {},
): (functionName: string, event: string) => Promise<void> {
  const { endpoint: given, ...identity } = connection;
  const { config } = new STSClient(identity);
  return async (functionName, event) => {
    const region = await config.region();
    const endpoint = given ?? process.env['AWS_ENDPOINT_URL_LAMBDA'] ?? process.env['AWS_ENDPOINT_URL'];
    const url = new URL(
      `/2015-03-31/functions/${functionPrefix}${functionName}/invocations`,
      endpoint ?? `https://lambda.${region}.amazonaws.com`,
    );
    const headers = iamHeaders(
      {
        url,
        method: 'POST',
        body: event,
        region,
        service: 'lambda',
        at: new Date(),
        headers: { 'x-amz-invocation-type': 'Event' },
      },
      await config.credentials(),
    );
    const sent = { method: 'POST', headers, body: event, signal: AbortSignal.timeout(WITHIN_MS) };
    const answer = await fetch(url, sent).catch((cause: unknown) => {
      throw refused(functionName, 'no answer', true, cause);
    });
    const text = await answer.text();
    if (answer.ok) return;
    throw refused(functionName, `${answer.status} ${text}`, answer.status === 429 || answer.status >= 500);
  };
}

function refused(functionName: string, text: string, retryable: boolean, cause?: unknown): PortError {
  const code = retryable ? 'unavailable' : 'access-denied';
  return new PortError({ code, message: `Could not call ${functionName}: ${text}.`, retryable, cause });
}
