import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { createStepFunctionsSweeps } from '../../../lib/adapters/aws/stepFunctionsSweeps.ts';
import { CorrelationId } from '../../../lib/shared/ids.ts';
import { EpochMs } from '../../../lib/shared/units.ts';

const ARN = 'arn:aws:states:eu-west-1:123456789012:stateMachine:strata-sweep-inventory-map';
const INPUT = { sweepId: 'sweep-1', scheduledAt: EpochMs.parse(1), correlationId: CorrelationId.parse('sweep-1') };
let server: Server | undefined;
afterEach(() => server?.close());

/** A service that answers every call alike, and what it was asked. */
async function answering(status: number, body: string) {
  const asked: { headers: IncomingHttpHeaders; body: string }[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked.push({ headers: request.headers, body: await text(request) });
    response.writeHead(status).end(body);
  };
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const sweeps = createStepFunctionsSweeps(ARN, {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
  });
  return { asked, start: () => sweeps.start('sweep-1', INPUT) };
}

describe('sweeps by Step Functions', () => {
  it('start an execution under the sweep’s name with one signed request', async () => {
    const { asked, start } = await answering(200, '{"executionArn":"e","startDate":1}');
    await start();
    expect(asked).toHaveLength(1);
    const { body, headers } = asked[0]!;
    expect(JSON.parse(body)).toEqual({ stateMachineArn: ARN, name: 'sweep-1', input: JSON.stringify(INPUT) });
    expect(headers).toMatchObject({
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'AWSStepFunctions.StartExecution',
      authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=a\/\d{8}\/eu-west-1\/states\/aws4_request, /),
    });
  });

  it('take a name that was used before as started', async () => {
    const { start } = await answering(400, '{"__type":"ExecutionAlreadyExists"}');
    await expect(start()).resolves.toBeUndefined();
  });

  it.each([
    [429, '', 'throttled', true],
    [500, '', 'unavailable', true],
    [400, '{"__type":"ThrottlingException"}', 'throttled', true],
    [400, '{"__type":"com.amazonaws.swf.service.v2.model#ExecutionLimitExceeded"}', 'throttled', true],
    [400, '{"__type":"AccessDeniedException"}', 'access-denied', false],
    [400, '{"__type":"StateMachineDoesNotExist"}', 'invalid-request', false],
    [400, '{"__type":"InvalidExecutionInput"}', 'invalid-request', false],
  ])('refuse by %i %s as %s, to be tried again: %s', async (status, body, code, retryable) => {
    const { start } = await answering(status, body);
    await expect(start()).rejects.toMatchObject({ name: 'PortError', code, retryable });
  });

  it('take a service that does not answer for one that is away', async () => {
    const { start } = await answering(200, '');
    server?.closeAllConnections();
    server?.close();
    await expect(start()).rejects.toMatchObject({ name: 'PortError', code: 'unavailable', retryable: true });
  });
});
