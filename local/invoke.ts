import type { FunctionName } from '../functions/index.ts';
import type { EpochMs } from '../lib/shared/units.ts';
import type { LocalAws } from './localAws.ts';

/** Invokes a function with the input that EventBridge Scheduler would send at `moment`. */
export async function invokeSchedule(
  { environment, functionPrefix }: LocalAws,
  { functionName, schedule }: { readonly functionName: FunctionName; readonly schedule: string },
  moment: EpochMs,
): Promise<void> {
  const name = `${functionPrefix}${functionName}`;
  const url = new URL(`/2015-03-31/functions/${name}/invocations`, environment['AWS_ENDPOINT_URL']);
  const input = { schedule, scheduledTime: new Date(moment).toISOString() };
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(input), signal: AbortSignal.timeout(60_000) });
  const text = await answer.text();
  if (!answer.ok || answer.headers.has('x-amz-function-error')) throw new Error(`${name} answered ${text}`);
}
