import { describe, expect, it } from 'vitest';
import { iamHeaders } from '../../lib/adapters/aws/iamSignature.ts';
import { holdSchedules } from '../../local/holdSchedules.ts';
import { missing, useService } from '../support/aws.ts';

const skipped = missing('ministack');

describe.skipIf(skipped !== undefined)(`the emulator’s own schedules ${skipped ?? ''}`, () => {
  const service = useService('ministack');

  async function call(method: 'GET' | 'POST', body = ''): Promise<unknown> {
    const { credentials, endpoint, region } = service.running();
    const url = new URL('/schedules/reap', endpoint);
    const headers = iamHeaders({ url, method, body, region, service: 'scheduler', at: new Date() }, credentials);
    const answer = await fetch(url, { method, headers, ...(body === '' ? {} : { body }) });
    expect(answer.status).toBe(200);
    return answer.json();
  }

  it('stand still with all that they were, for their calls name no moment', async () => {
    const schedule = {
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: { Arn: 'arn:aws:lambda:us-east-1:000000000000:function:strata-reap', RoleArn: 'arn:aws:iam::0:role/r' },
    };
    await call('POST', JSON.stringify(schedule));
    expect(await call('GET')).toMatchObject({ ...schedule, State: 'ENABLED' });
    await holdSchedules(service.running());
    expect(await call('GET')).toMatchObject({ ...schedule, State: 'DISABLED' });
  });
});
