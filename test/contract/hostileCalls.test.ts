import { connect } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Generation, HostId, hostQueue } from '../../lib/shared/ids.ts';
import { takeDataFolder } from '../../runtime/dataFolder.ts';
import { type EmbeddedRuntime, startEmbeddedRuntime } from '../../runtime/embeddedRuntime.ts';
import { BODY_LIMITS } from '../../runtime/requestBody.ts';
import { eventually } from '../support/eventually.ts';
import { recordedTelemetry } from '../support/recordedTelemetry.ts';

const LIMITS = { ...BODY_LIMITS, jsonBytes: 10_000, waitMs: 300 };
const JSON_TYPE = { 'content-type': 'application/json' };

describe('hostile calls of the embedded runtime', () => {
  const folder = takeDataFolder(undefined);
  const recorded = recordedTelemetry();
  let runtime: EmbeddedRuntime;
  let agentToken: string;
  beforeAll(async () => {
    runtime = await startEmbeddedRuntime({ folder, port: 0, telemetry: recorded.telemetry, bodyLimits: LIMITS });
    const issued = await runtime.deps.hostCredentials.issue(HostId.parse('gpu-a'), Generation.parse(1));
    agentToken = issued.sessionToken;
  });
  afterAll(async () => {
    await runtime.stop();
    folder.release();
  });

  const call = (path: string, init: RequestInit, token: string) =>
    fetch(`${runtime.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string> | undefined) },
    });
  const operation = (init: RequestInit) =>
    call('/operator/operations/listHosts', { method: 'POST', ...init }, runtime.operatorToken);

  /** What a connection gets that sends `text` and then nothing more. */
  function answerTo(text: string): Promise<string> {
    return new Promise((resolve) => {
      const { port } = new URL(runtime.url);
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
      let answer = '';
      socket.on('data', (data) => {
        answer += data.toString();
        if (answer.includes('}')) socket.end();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer));
    });
  }
  const head = (line: string, ...headers: readonly string[]) =>
    [line, `Host: ${new URL(runtime.url).host}`, ...headers, '', ''].join('\r\n');

  it.each<[string, RequestInit, number, string]>([
    ['JSON that is none', { body: '{"limit":', headers: JSON_TYPE }, 400, 'no JSON'],
    ['no body', { headers: JSON_TYPE }, 400, 'no JSON'],
    ['bytes that are no text', { body: Uint8Array.of(0xff, 0xfe), headers: JSON_TYPE }, 400, 'no UTF-8'],
    [
      'a form, as a web page can send it',
      { body: 'a=1', headers: { 'content-type': 'text/plain' } },
      415,
      'content-type',
    ],
    ['a body that is too large', { body: `"${'a'.repeat(10_000)}"`, headers: JSON_TYPE }, 413, 'at most 10000 bytes'],
  ])('are refused for %s', async (_what, init, status, text) => {
    const answer = await operation(init);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ message: expect.stringContaining(text), retryable: false });
    const route = await fetch(`${runtime.url}/v1/hosts/join`, { method: 'POST', ...init });
    expect(route.status).toBe(status);
    expect(route.headers.get('content-type')).toBe('application/problem+json');
    const queue = `/agent/queues/${hostQueue(HostId.parse('gpu-a'), Generation.parse(1))}/receive`;
    expect((await call(queue, { method: 'POST', ...init }, agentToken)).status).toBe(status);
  });

  it('are cut off at the limit where no length is told', async () => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1_000)) });
    const init = { body: endless, duplex: 'half', headers: JSON_TYPE } as RequestInit;
    // The rest of the body is not read, so the answer may find the connection closed.
    const answer = await operation(init).catch(() => undefined);
    expect(answer === undefined || answer.status === 413).toBe(true);
  });

  it('are let go when headers or a body dribble', async () => {
    const request = 'POST /operator/operations/listHosts HTTP/1.1';
    expect(await answerTo(`${request}\r\nHost: `)).toMatch(/^(HTTP\/1\.1 408|$)/);
    const headers = [
      `Authorization: Bearer ${runtime.operatorToken}`,
      'Content-Type: application/json',
      'Content-Length: 50',
    ];
    expect(await answerTo(`${head(request, ...headers)}{"a"`)).toMatch(/^HTTP\/1\.1 408.*did not come in time/s);
  });

  it('leave nothing of an upload that breaks off or stands still', async () => {
    const line = 'PUT /operator/objects/uploads/m/1.0.0/half.bin HTTP/1.1';
    const headers = [`Authorization: Bearer ${runtime.operatorToken}`, 'Content-Length: 100'];
    expect(await answerTo(`${head(line, ...headers)}half`)).toMatch(/^HTTP\/1\.1 408/);
    expect(await runtime.objects.head('uploads/m/1.0.0/half.bin')).toEqual({ outcome: 'absent' });
    expect(runtime.objects.notifications(10)).toEqual([]);
  });

  it('are refused with a name in the path that is none', async () => {
    const put = (path: string) =>
      call(`/operator/objects/${path}`, { method: 'PUT', body: 'x' }, runtime.operatorToken);
    expect((await put('uploads/%E0%A4%A')).status).toBe(400);
    expect((await put(`uploads/${'a'.repeat(2_000)}`)).status).toBe(400);
    const object = (query: string) => call(`/agent/objects/range?${query}`, {}, agentToken);
    for (const range of [
      'offset=0',
      'offset=-1&length=1',
      'offset=0&length=1e12',
      'offset=a&length=b',
      'offset=0.5&length=1',
    ]) {
      expect((await object(`key=blobs/x&versionId=v&${range}`)).status).toBe(400);
    }
    expect((await object('key=uploads/x&versionId=v&offset=0&length=1')).status).toBe(403);
  });

  it('never make it fail, whatever method, path, body and headers they have', async () => {
    const tokens = fc.constantFrom('', 'wrong', runtime.operatorToken, agentToken);
    const words = fc.oneof(
      fc.constantFrom(
        'operator',
        'operations',
        'objects',
        'uploads',
        'agent',
        'queues',
        'v1',
        'hosts',
        'join',
        'rejoin',
      ),
      fc.constantFrom(
        'resolve',
        'refresh',
        'head',
        'range',
        'receive',
        'send',
        'listHosts',
        'createJoinToken',
        '__proto__',
      ),
      fc.string({ maxLength: 30 }).map(encodeURIComponent),
      fc.constantFrom('..', '%2e%2e', '%00', '%ff', '%2f', ''),
    );
    const bodies = fc.oneof(
      fc.json(),
      fc.string(),
      fc.constant('['.repeat(5_000)),
      fc.constant('{"__proto__":{"a":1}}'),
    );
    const requests = fc.record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'),
      path: fc.array(words, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`),
      body: bodies,
      token: tokens,
      type: fc.constantFrom('application/json', 'text/plain', ''),
    });
    await fc.assert(
      fc.asyncProperty(requests, async ({ method, path, body, token, type }) => {
        const init = { method, headers: { 'content-type': type }, ...(method === 'GET' ? {} : { body }) };
        const answer = await call(path, init, token);
        const text = await answer.text();
        expect(answer.status, `${method} ${path} ${body}: ${text}`).toBeLessThan(500);
      }),
      { numRuns: 1_000 },
    );
    expect(recorded.records.filter(({ level }) => level === 'error')).toEqual([]);
    await eventually(async () => expect((await operation({ body: '{}', headers: JSON_TYPE })).status).toBe(200));
  });
});
