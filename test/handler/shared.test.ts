import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { declareFunction } from '../../functions/shared/declaration.ts';
import { httpHandler } from '../../functions/shared/httpHandler.ts';
import { queueHandler } from '../../functions/shared/queueHandler.ts';
import { scheduleHandler } from '../../functions/shared/scheduleHandler.ts';
import { streamHandler } from '../../functions/shared/streamHandler.ts';
import { PortError } from '../../lib/shared/errors.ts';
import { CorrelationId } from '../../lib/shared/ids.ts';
import { sqsBatch, testContext } from '../support/envelopes.ts';
import { createManualClock } from '../support/manualClock.ts';
import { recordedTelemetry } from '../support/recordedTelemetry.ts';

const Message = z.object({ n: z.number() });

function setUp() {
  const recorded = recordedTelemetry();
  const again: (readonly [queue: string, receiptHandle: string, seconds: number])[] = [];
  const messages = {
    changeVisibility: async (...call: readonly [string, string, number]) => void again.push(call),
  };
  return { ...recorded, again, deps: { clock: createManualClock(), telemetry: recorded.telemetry, messages } };
}

const DECLARATION = declareFunction({
  name: 'test',
  purpose: 'Is tested.',
  ifThisFails: 'nothing works.',
  triggers: [{ kind: 'queue', queue: 'ingest', batchSize: 10, maxReceiveCount: 5, maxConcurrency: 2 }],
  timeoutSeconds: 1,
  memoryMb: 128,
  grants: [],
});

describe('a queue handler', () => {
  it('hands each record to the use case and reports no failure', async () => {
    const { deps } = setUp();
    const seen: number[] = [];
    const handler = queueHandler(deps, {
      declaration: DECLARATION,
      message: Message,
      handle: async ({ n }) => void seen.push(n),
    });
    const answer = await handler(sqsBatch([{ n: 1 }, { n: 2 }, { n: 3 }]), testContext());
    expect(new Set(seen)).toEqual(new Set([1, 2, 3]));
    expect(answer).toEqual({ batchItemFailures: [] });
  });

  it('fails only the records that cannot be parsed or whose use case rejects', async () => {
    const { deps, records, metrics } = setUp();
    const handler = queueHandler(deps, {
      declaration: DECLARATION,
      message: Message,
      handle: async ({ n }) => {
        if (n === 2) throw new PortError({ code: 'throttled', message: 'slow down', retryable: true });
        if (n === 3) throw new TypeError('broken');
      },
    });
    const answer = await handler(sqsBatch([{ n: 1 }, { n: 2 }, { n: 3 }, 'no json', { m: 1 }]), testContext());
    expect(answer.batchItemFailures.map((item) => item.itemIdentifier).sort()).toEqual(['m2', 'm3', 'm4', 'm5']);
    expect(records.map(({ level, fields }) => `${level} ${fields['code']}`).sort()).toEqual([
      'error invalid-message',
      'error invalid-message',
      'error unexpected',
      'warn throttled',
    ]);
    expect(metrics.filter((metric) => metric.name === 'Failures')).toHaveLength(4);
  });

  it('says how soon each failed record comes again, and leaves it to the visibility where it cannot', async () => {
    const { again, deps, records } = setUp();
    const handle = async () => {
      throw new PortError({ code: 'throttled', message: 'slow down', retryable: true });
    };
    const handler = queueHandler(deps, { declaration: DECLARATION, message: Message, handle });
    await handler(sqsBatch([{ n: 1 }, 'no json'], 2), testContext());
    expect(again.toSorted((a, b) => a[2] - b[2])).toEqual([
      ['ingest', 'r2', 0],
      ['ingest', 'r1', expect.closeTo(22, -1)],
    ]);
    const refused = async () => Promise.reject(new PortError({ code: 'throttled', message: 'no', retryable: true }));
    const unheard = queueHandler(
      { ...deps, messages: { changeVisibility: refused } },
      { declaration: DECLARATION, message: Message, handle },
    );
    expect((await unheard(sqsBatch([{ n: 1 }]), testContext())).batchItemFailures).toHaveLength(1);
    expect(records.at(-1)).toMatchObject({ event: 'retry-not-set' });
  });

  it('works on no more records at once than it may', async () => {
    const { deps } = setUp();
    let running = 0;
    let most = 0;
    const handler = queueHandler(deps, {
      declaration: DECLARATION,
      message: Message,
      concurrency: 2,
      handle: async () => {
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
      },
    });
    await handler(sqsBatch([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }]), testContext());
    expect(most).toBe(2);
  });

  it('puts correlation id, message id and function on the lines of a record', async () => {
    const { deps, records } = setUp();
    const handler = queueHandler(deps, {
      declaration: DECLARATION,
      message: Message,
      correlationId: ({ n }) => CorrelationId.parse(`c-${n}`),
      handle: async (_message, { telemetry, receiveCount }) => telemetry.info('seen', { receiveCount }),
    });
    await handler(sqsBatch([{ n: 7 }], 3), testContext());
    expect(records[0]?.fields).toEqual({
      function: 'test',
      requestId: 'request-1',
      messageId: 'm1',
      correlationId: 'c-7',
      receiveCount: 3,
    });
  });
});

describe('a schedule handler', () => {
  it('passes the moment that the schedule named', async () => {
    const { deps } = setUp();
    const seen: unknown[] = [];
    const handler = scheduleHandler(deps, { name: 'test', handle: async (fired) => void seen.push(fired) });
    await handler({ schedule: 'nightly', scheduledTime: '2026-11-20T02:00:00Z' }, testContext());
    expect(seen).toEqual([{ schedule: 'nightly', at: Date.UTC(2026, 10, 20, 2) }]);
  });

  it.each([{}, { schedule: 'nightly', scheduledTime: 'soon' }])('refuses %j', async (event) => {
    const { deps, records } = setUp();
    const handler = scheduleHandler(deps, { name: 'test', handle: async () => undefined });
    await expect(handler(event, testContext())).rejects.toMatchObject({ code: 'invalid-message' });
    expect(records.map((record) => record.event)).toEqual(['invocation-failed']);
  });
});

describe('a stream handler', () => {
  it('passes the keys of inserted rows only', async () => {
    const { deps } = setUp();
    const seen: unknown[] = [];
    const handler = streamHandler(deps, { name: 'test', handle: async (keys) => void seen.push(...keys) });
    const record = (eventName: string) => ({
      eventName,
      dynamodb: { Keys: { pk: { S: 'OUTBOX#1' }, sk: { S: eventName } } },
    });
    await handler({ Records: [record('INSERT'), record('REMOVE'), record('MODIFY')] }, testContext());
    expect(seen).toEqual([{ partition: 'OUTBOX#1', sort: 'INSERT' }]);
  });

  it('rejects what is no stream batch', async () => {
    const { deps } = setUp();
    const handler = streamHandler(deps, { name: 'test', handle: async () => undefined });
    await expect(handler({ Records: [{}] }, testContext())).rejects.toMatchObject({ code: 'invalid-message' });
  });
});

describe('an http handler', () => {
  const call = (over: object) => ({
    version: '2.0',
    rawPath: '/v1/x',
    headers: { 'X-Name': 'value' },
    body: Buffer.from('hello').toString('base64'),
    isBase64Encoded: true,
    requestContext: { http: { method: 'POST' }, authorizer: { iam: { userArn: 'arn:aws:iam::1:user/a' } } },
    ...over,
  });

  it('decodes the call and answers with the request id', async () => {
    const { deps } = setUp();
    const handler = httpHandler(deps, {
      name: 'test',
      answer: async (request) => ({ status: 200, body: JSON.stringify(request) }),
      problem: () => ({ status: 500, body: '' }),
    });
    const result = await handler(call({}), testContext());
    expect(result.statusCode).toBe(200);
    expect(result.headers['x-request-id']).toBe('request-1');
    expect(JSON.parse(result.body)).toEqual({
      method: 'POST',
      path: '/v1/x',
      query: '',
      headers: { 'x-name': 'value' },
      body: 'hello',
      callerArn: 'arn:aws:iam::1:user/a',
    });
  });

  it('maps what the use case throws, and reports only what is our fault', async () => {
    const { deps, records } = setUp();
    const handler = httpHandler(deps, {
      name: 'test',
      answer: async ({ path }) => {
        throw new Error(path);
      },
      problem: (error) => ({ status: String(error).includes('bad') ? 400 : 500, body: '{}' }),
    });
    expect((await handler(call({ rawPath: '/bad' }), testContext())).statusCode).toBe(400);
    expect(records).toEqual([]);
    expect((await handler(call({ rawPath: '/worse' }), testContext())).statusCode).toBe(500);
    expect(records.map((record) => record.event)).toEqual(['request-failed']);
  });
});
