import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Endpoint, type EndpointDeps, serveEndpoint } from '../../runtime/endpoint.ts';
import type { InvocationOutcome } from '../../runtime/invoker.ts';
import { eventually } from '../support/eventually.ts';
import { silentTelemetry } from '../support/silentTelemetry.ts';

const LIMITS = { jsonBytes: 10_000, waitMs: 60_000, strangersBytes: 40_000 };
/** Four have room, with what their pieces cost beside their bytes; a fifth has none. */
const BODY = ' '.repeat(9_000);

describe('bodies of callers who have not proven who they are', () => {
  /** The functions behind the route, which wait. */
  const waiting: ((outcome: InvocationOutcome) => void)[] = [];
  let endpoint: Endpoint;

  beforeEach(async () => {
    const served: Pick<EndpointDeps, 'routes' | 'invoker' | 'telemetry'> = {
      routes: [{ functionName: 'host-api', method: 'POST', path: '/join' }],
      invoker: { invoke: () => new Promise((resolve) => waiting.push(resolve)) },
      telemetry: silentTelemetry,
    };
    endpoint = await serveEndpoint(
      { agent: {}, operator: {}, watch: {}, ...served } as unknown as EndpointDeps,
      0,
      LIMITS,
    );
  });
  afterEach(() => endpoint.close());

  const join = () => fetch(`${endpoint.url}/join`, { method: 'POST', body: BODY });
  const held = (count: number) => eventually(async () => expect(waiting).toHaveLength(count));
  function answerAll(): void {
    for (const answer of waiting.splice(0)) answer({ outcome: 'answered', answer: { statusCode: 200 } });
  }

  it('are refused while others take all the room, and read again once those have their answers', async () => {
    const others = [join(), join(), join(), join()];
    await held(4);
    const refused = await join();
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'internal', hint: 'Call again.' });
    answerAll();
    for (const other of others) expect((await other).status).toBe(200);
    const next = join();
    await held(1);
    answerAll();
    expect((await next).status).toBe(200);
  });

  it('take more room than they have bytes where they come one by one', async () => {
    const { host, port } = new URL(endpoint.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.write(`POST /join HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`);
      socket.write('1\r\n \r\n'.repeat(1_000));
      socket.once('data', (data) => resolve(data.toString()));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('There was no answer.')));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 503/);
    expect(waiting).toEqual([]);
  });
});
