import type { EpochMs } from '../lib/shared/units.ts';
import type { LocalAws } from './localAws.ts';

/** Invokes the sweep's function with the input that EventBridge Scheduler would send at `moment`. */
export async function invokeSweep({ environment, functionPrefix }: LocalAws, moment: EpochMs): Promise<void> {
  const name = `${functionPrefix}start-sweep`;
  const url = new URL(`/2015-03-31/functions/${name}/invocations`, environment['AWS_ENDPOINT_URL']);
  const input = { schedule: 'sweep', scheduledTime: new Date(moment).toISOString() };
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(input), signal: AbortSignal.timeout(60_000) });
  const text = await answer.text();
  if (!answer.ok || answer.headers.has('x-amz-function-error')) throw new Error(`${name} answered ${text}`);
}
