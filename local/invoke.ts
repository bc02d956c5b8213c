import type { FunctionName } from '../functions/index.ts';
import type { LocalAws } from './localAws.ts';

/** Longer than the functions of schedules may take. */
const WITHIN_MS = 300_000;

/** Calls a function with an event and waits for its end; throws what it fails with. */
export async function invoke(
  { environment, functionPrefix }: Pick<LocalAws, 'environment' | 'functionPrefix'>,
  functionName: FunctionName,
  event: unknown,
): Promise<void> {
  const name = `${functionPrefix}${functionName}`;
  const url = new URL(`/2015-03-31/functions/${name}/invocations`, environment['AWS_ENDPOINT_URL']);
  const sent = { method: 'POST', body: JSON.stringify(event), signal: AbortSignal.timeout(WITHIN_MS) };
  const answer = await fetch(url, sent);
  const text = await answer.text();
  if (!answer.ok || answer.headers.has('x-amz-function-error')) throw new Error(`${name} answered ${text}`);
}
