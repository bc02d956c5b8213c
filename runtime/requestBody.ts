import type { Context } from 'hono';
import { PortError } from '../lib/shared/errors.ts';
import { MIB, SECOND_MS } from '../lib/shared/units.ts';

/** What one call may cost the runtime before it is refused. */
export interface BodyLimits {
  /** Above a batch of the largest messages, written as JSON. */
  readonly jsonBytes: number;
  /** For the whole of a body that is read into memory; for each pause of one that is streamed to the disk. */
  readonly waitMs: number;
  /** Of all bodies together that are held for callers who have not proven yet who they are. */
  readonly strangersBytes: number;
}

export const BODY_LIMITS: BodyLimits = { jsonBytes: 4 * MIB, waitMs: 15 * SECOND_MS, strangersBytes: 64 * MIB };

/** What a piece of a body costs beside its bytes: a body may come one by one. */
const PIECE_BYTES = 256;

/** Room for the bodies of strangers. What comes while it is full is refused, and finds room once others have their answers. */
export interface BodyRoom {
  /** Holds what `read` holds until it ends; throws `RequestError` 503. */
  within<T>(read: (hold: Hold) => Promise<T>): Promise<T>;
}

type Hold = (bytes: number) => void;

export function createBodyRoom({ strangersBytes }: BodyLimits): BodyRoom {
  let all = 0;
  return {
    async within(read) {
      let held = 0;
      try {
        return await read((bytes) => {
          held += bytes + PIECE_BYTES;
          all += bytes + PIECE_BYTES;
          if (all > strangersBytes) throw new RequestError(503, 'Too many calls are being read. Call again.');
        });
      } finally {
        all -= held;
      }
    },
  };
}

/** A call that is refused for its form, with the HTTP status that says so. */
export class RequestError extends PortError {
  readonly status: 400 | 408 | 413 | 415 | 503;

  constructor(status: RequestError['status'], message: string, cause?: unknown) {
    const retryable = status === 408 || status === 503;
    super({
      code: status === 413 ? 'too-large' : retryable ? 'unavailable' : 'invalid-request',
      message,
      retryable,
      cause,
    });
    this.status = status;
  }
}

/** The body of a call as text; throws `RequestError` 413, 408 or 400, and what `hold` throws. */
export async function readText(context: Context, limits: BodyLimits, hold: Hold = () => undefined): Promise<string> {
  if (Number(context.req.header('content-length') ?? 0) > limits.jsonBytes) throw tooLarge(limits);
  const { body } = context.req.raw;
  if (body === null) return '';
  const until = performance.now() + limits.waitMs;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of timely(body, () => until - performance.now())) {
    size += chunk.byteLength;
    if (size > limits.jsonBytes) throw tooLarge(limits);
    hold(chunk.byteLength);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw new RequestError(400, 'The body is no UTF-8 text.', error);
  }
}

/** The body of a call as JSON; throws `RequestError` 415, 413, 408 or 400. */
export async function readJson(context: Context, limits: BodyLimits): Promise<unknown> {
  const type = context.req.header('content-type') ?? '';
  if (!/^application\/json *(;|$)/i.test(type)) {
    throw new RequestError(415, 'The body is JSON; send `content-type: application/json`.');
  }
  const text = await readText(context, limits);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RequestError(400, 'The body is no JSON.', error);
  }
}

/** A body as it comes; throws `RequestError` 408 where the next bytes do not come in time. */
export function streamed(context: Context, limits: BodyLimits): AsyncIterable<Uint8Array> {
  const { body } = context.req.raw;
  return body === null ? nothing() : timely(body, () => limits.waitMs);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* timely(body: ReadableStream<Uint8Array>, leftMs: () => number): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await within(Math.max(0, leftMs()), () => reader.read());
      ended = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!ended) reader.cancel().catch(() => undefined);
  }
}

async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new RequestError(408, 'The body did not come in time. Send it again.')), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge({ jsonBytes }: BodyLimits): RequestError {
  return new RequestError(413, `The body of such a call has at most ${jsonBytes} bytes.`);
}

/** The status that an error of a port is answered with; `denied` is that of a missing right. */
export function statusOf(error: PortError, denied: 401 | 403): 400 | 401 | 403 | 408 | 413 | 415 | 503 {
  if (error instanceof RequestError) return error.status;
  if (error.code === 'access-denied') return denied;
  if (error.code === 'too-large') return 413;
  return error.retryable ? 503 : 400;
}
