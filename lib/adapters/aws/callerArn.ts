import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { PortError } from '../../shared/errors.ts';
import { mapErrors } from './errors.ts';

/** Who this process is by the SDK's usual chain: environment, profile, instance role. Needs no permission. */
export async function callerArn(region: string): Promise<string> {
  const client = new STSClient({ region });
  try {
    const { Arn } = await mapErrors('ask who this process is', () => client.send(new GetCallerIdentityCommand({})));
    if (Arn !== undefined) return Arn;
    throw new PortError({ code: 'unavailable', message: 'STS answered no identity. Retry later.', retryable: true });
  } finally {
    client.destroy();
  }
}
