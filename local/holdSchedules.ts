import * as z from 'zod/mini';
import { iamHeaders } from '../lib/adapters/aws/iamSignature.ts';
import type { RunningService } from './services/start.ts';

const Listed = z.object({ Schedules: z.array(z.object({ Name: z.string() })) });
const Schedule = z.looseObject({ Name: z.string(), State: z.string() });

/**
 * Stands the emulator's own schedules still: it hands functions the placeholder of the moment (`<aws.scheduler.scheduled-time>`) as it
 * stands in the target's input, so that each call fails.
 */
export async function holdSchedules(service: RunningService): Promise<void> {
  for (const { Name } of Listed.parse(await answered(service, '/schedules', 'GET')).Schedules) {
    const schedule = Schedule.parse(await answered(service, `/schedules/${Name}`, 'GET'));
    const held = JSON.stringify({ ...schedule, State: 'DISABLED' });
    await answered(service, `/schedules/${Name}`, 'PUT', held);
  }
}

/** Signed: by the name of the service that is signed for the emulator knows whose path it is. */
async function answered(
  { credentials, endpoint, region }: RunningService,
  path: string,
  method: 'GET' | 'PUT',
  body = '',
): Promise<unknown> {
  const url = new URL(path, endpoint);
  const request = { url, method, body, region, service: 'scheduler', at: new Date(), headers: {} };
  const sent = { method, headers: iamHeaders(request, credentials), ...(body === '' ? {} : { body }) };
  const answer = await fetch(url, { ...sent, signal: AbortSignal.timeout(60_000) });
  if (!answer.ok) throw new Error(`${url.href} answered ${answer.status} ${await answer.text()}`);
  return answer.json();
}
