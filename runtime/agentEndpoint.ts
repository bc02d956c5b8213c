import { Hono } from 'hono';
import type * as z from 'zod/mini';
import {
  problemOf,
  ReceiveCall,
  RemoveCall,
  SendCall,
  VisibilityCall,
} from '../lib/adapters/embedded/agentProtocol.ts';
import type { HostTokens } from '../lib/adapters/embedded/hostTokens.ts';
import { PortError } from '../lib/shared/errors.ts';
import { hostQueue } from '../lib/shared/ids.ts';
import type { MessageReceiver, MessageSender, ReceivedMessage } from '../lib/shared/ports/messageQueue.ts';
import type { ObjectReader, ReadOutcome } from '../lib/shared/ports/objectStore.ts';
import { MIB } from '../lib/shared/units.ts';
import { BODY_LIMITS, readJson, statusOf } from './requestBody.ts';

export interface AgentEndpointDeps {
  readonly tokens: HostTokens;
  readonly queues: MessageSender & MessageReceiver;
  readonly objects: ObjectReader;
  /** The queues that hosts may send to. */
  readonly reportQueues: ReadonlySet<string>;
}

/** What a range takes of memory while it is sent. */
const CHUNK_BYTES = 4 * MIB;

/** How soon a poll notices that its caller is gone. */
const SLICE_SECONDS = 1;

/** What hosts may read; the same prefix that their policy names on AWS. */
const HOST_PREFIX = 'blobs/';

/** What IAM and SQS do for agents on AWS: a host's own queue, the report queues, and reading `blobs/`. */
export function createAgentEndpoint(
  deps: AgentEndpointDeps,
  limits = BODY_LIMITS,
): Hono<{ Variables: { ownQueue: string } }> {
  const { queues, objects } = deps;
  const app = new Hono<{ Variables: { ownQueue: string } }>();

  app.use('*', async (context, next) => {
    const token = context.req.header('authorization')?.replace(/^Bearer /, '') ?? '';
    const claims = deps.tokens.verify(token);
    if (claims === undefined) throw denied('The session is over or was never issued. Refresh it.');
    context.set('ownQueue', hostQueue(claims.host, claims.generation));
    await next();
  });

  app.post('/queues/:queue/send', async (context) => {
    const queue = context.req.param('queue');
    if (!deps.reportQueues.has(queue)) throw denied(`Hosts may not send to ${queue}.`);
    const { messages } = parse(SendCall, await readJson(context, limits));
    await queues.send(queue, messages);
    return context.json({});
  });

  const ownQueue = (named: string, own: string): string => {
    if (named !== own) throw denied(`A host may read its own queue only, not ${named}.`);
    return own;
  };
  app.post('/queues/:queue/receive', async (context) => {
    const queue = ownQueue(context.req.param('queue'), context.get('ownQueue'));
    const call = parse(ReceiveCall, await readJson(context, limits));
    return context.json(await receiveWhileHeard(queues, queue, call, context.req.raw.signal));
  });
  app.post('/queues/:queue/remove', async (context) => {
    const queue = ownQueue(context.req.param('queue'), context.get('ownQueue'));
    await queues.remove(queue, parse(RemoveCall, await readJson(context, limits)).receiptHandle);
    return context.json({});
  });
  app.post('/queues/:queue/visibility', async (context) => {
    const queue = ownQueue(context.req.param('queue'), context.get('ownQueue'));
    const { receiptHandle, visibilitySeconds } = parse(VisibilityCall, await readJson(context, limits));
    await queues.changeVisibility(queue, receiptHandle, visibilitySeconds);
    return context.json({});
  });

  app.get('/objects/head', async (context) => {
    const key = readable(context.req.query('key'));
    return context.json(await objects.head(key, context.req.query('versionId')));
  });
  app.get('/objects/range', async (context) => {
    const { key, versionId = '', offset, length } = context.req.query();
    const read = await objects.readRange(readable(key), versionId, Number(offset), Number(length));
    if (read.outcome !== 'read') return context.json(read);
    return context.body(Uint8Array.from(read.bytes), 200, { 'content-type': 'application/octet-stream' });
  });

  app.get('/objects/bytes', async (context) => {
    const { key, versionId = '' } = context.req.query();
    const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(context.req.header('range') ?? '') ?? [];
    if (first === undefined) {
      throw new PortError({ code: 'invalid-request', message: 'Bytes are asked for by range.', retryable: false });
    }
    const range = { key: readable(key), versionId, offset: Number(first), end: Number(last) + 1 };
    const begun = await readChunk(objects, range);
    if (begun.outcome === 'absent') return context.json({ code: 'absent' }, 404);
    if (begun.outcome === 'archived') return context.json({ code: 'archived' }, 403);
    return context.body(streamOf(objects, range, begun.bytes), 206, {
      'content-type': 'application/octet-stream',
      'content-length': String(range.end - range.offset),
      'content-range': `bytes ${range.offset}-${range.end - 1}/*`,
    });
  });

  app.onError((error, context) => {
    if (!(error instanceof PortError)) throw error;
    return context.json(problemOf(error), statusOf(error, 403));
  });
  return app;
}

interface PinnedRange {
  readonly key: string;
  readonly versionId: string;
  readonly offset: number;
  readonly end: number;
}

function readChunk(objects: ObjectReader, { key, versionId, offset, end }: PinnedRange): Promise<ReadOutcome> {
  return objects.readRange(key, versionId, offset, Math.min(CHUNK_BYTES, end - offset));
}

/** The bytes of a range as fast as they are taken; `begun` are its first. */
function streamOf(objects: ObjectReader, range: PinnedRange, begun: Uint8Array): ReadableStream<Uint8Array> {
  let offset = range.offset + begun.length;
  return new ReadableStream({
    start: (controller) => controller.enqueue(begun),
    async pull(controller) {
      if (offset >= range.end) {
        controller.close();
        return;
      }
      const read = await readChunk(objects, { ...range, offset });
      if (read.outcome !== 'read') throw new PortError({ code: 'unavailable', message: range.key, retryable: true });
      offset += read.bytes.length;
      controller.enqueue(read.bytes);
    },
  });
}

/** A poll whose caller is gone takes nothing with it: what it received is visible again at once. */
async function receiveWhileHeard(
  queues: MessageReceiver,
  queue: string,
  { max, waitSeconds, visibilitySeconds }: z.infer<typeof ReceiveCall>,
  caller: AbortSignal,
): Promise<readonly ReceivedMessage[]> {
  let messages: readonly ReceivedMessage[] = [];
  for (let left = waitSeconds; messages.length === 0 && left >= 0 && !caller.aborted; left -= SLICE_SECONDS) {
    messages = await queues.receive(queue, max, Math.min(left, SLICE_SECONDS), visibilitySeconds);
    if (left === 0) break;
  }
  if (!caller.aborted) return messages;
  for (const { receiptHandle } of messages) await queues.changeVisibility(queue, receiptHandle, 0);
  return [];
}

function readable(key: string | undefined): string {
  if (key?.startsWith(HOST_PREFIX) === true) return key;
  throw denied(`Hosts may read ${HOST_PREFIX}* only.`);
}

function parse<T>(schema: z.ZodMiniType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new PortError({ code: 'invalid-request', message: 'The call has another shape.', retryable: false });
}

function denied(message: string): PortError {
  return new PortError({ code: 'access-denied', message, retryable: false });
}
