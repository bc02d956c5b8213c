import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpAgentPlane } from '../../../lib/adapters/plane/httpAgentPlane.ts';
import type { SignedEnvelope } from '../../../events/signed-envelope/v1.ts';

const ENVELOPE: SignedEnvelope = { schema: 'signed/1', keyId: 'host', payload: '{}', signature: 's' };
const LIMITED = { status: 429, code: 'restores-limited', title: 'Spent.', hint: 'Later.', retryAfterSeconds: 60 };
const closing: (() => void)[] = [];

async function answering(status: number, body: object) {
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  closing.push(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return createHttpAgentPlane({ endpoint: `http://127.0.0.1:${port}` });
}

afterEach(() => closing.splice(0).forEach((close) => close()));

describe('a plane that answers 429', () => {
  it('has refused a restore where it says so, with what it tells', async () => {
    const plane = await answering(429, LIMITED);
    expect(await plane.resolve(ENVELOPE)).toEqual({ outcome: 'refused', problem: LIMITED });
  });

  it('is busy otherwise, and asked again', async () => {
    const plane = await answering(429, { message: 'Too Many Requests' });
    await expect(plane.resolve(ENVELOPE)).rejects.toMatchObject({ code: 'throttled', retryable: true });
  });
});
