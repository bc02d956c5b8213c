import { classifyRefusal, type Failure } from '../failures.ts';
import { type ChunkedBody, createChunkedBody } from './chunked.ts';
import { type Connection, type Incoming, TlsError } from './connection.ts';
import { PrivateAddressError } from './publicAddress.ts';
import { type Framing, framingOf, keepsAlive, parseHead, type ResponseHead } from './responseHead.ts';

/** What a head means for the one who asked. */
export type HeadDecision =
  | { readonly is: 'body' }
  | { readonly is: 'redirect'; readonly location: string }
  /** The body is read for what it says about the failure. */
  | { readonly is: 'refused' }
  | { readonly is: 'failed'; readonly failure: Failure };

/** Where a body goes. All calls come from the connection, one at a time. */
export interface BodyTarget {
  space(): Uint8Array | undefined;
  /** Whether to read on now. False only where `whenRoom` calls back; else what comes without space is copied once there is some. */
  readsOn(): boolean;
  /** So many bytes lie there since `at`. */
  took(bytes: number, at: number): void;
  whenRoom(ready: () => void): void;
  /** For how many milliseconds to stop reading, 0 to go on; or why nothing more is wanted. */
  pauseAfter(bytes: number): number | Failure;
}

export type ExchangeEnd =
  | { readonly is: 'complete' }
  | { readonly is: 'redirect'; readonly location: string }
  | { readonly is: 'failed'; readonly failure: Failure };

export interface Exchange {
  readonly end: Promise<ExchangeEnd>;
  /** Milliseconds since something came; 0 while reading is paused. */
  silentMs(now: number): number;
  /** False while the reader itself has stopped reading, for want of room or by its rate. */
  isReading(): boolean;
  /** Whether the server has answered anything at all. */
  answered(): boolean;
  abort(failure: Failure): void;
}

export interface ExchangeDeps {
  readonly connection: Connection;
  readonly onHead: (head: ResponseHead) => HeadDecision;
  readonly target: BodyTarget;
  /** Takes the connection back where it can carry another exchange; else it is destroyed. */
  readonly keep: (connection: Connection) => void;
  readonly now: () => number;
}

const MOST_REFUSAL_BYTES = 16 * 1024;

/** One request and its response on a connection. */
export function startExchange({ connection, onHead, target, keep, now }: ExchangeDeps, request: string): Exchange {
  const { promise: end, resolve } = Promise.withResolvers<ExchangeEnd>();
  let over = false;
  let head: ResponseHead | undefined;
  let headBytes = Buffer.alloc(0);
  let framing: Framing = { by: 'close' };
  let chunks: ChunkedBody | undefined;
  let bodyLeft = Number.POSITIVE_INFINITY;
  let bodyOver = false;
  let surplus = false;
  let refusal: Buffer | undefined;
  /** Data of the body for which the target had no room yet. */
  let waiting: readonly Uint8Array[] = [];
  let unbooked = 0;
  let paused = false;
  let answered = false;
  let lastAt = now();

  function finish(ending: ExchangeEnd, reusable: boolean): void {
    if (over) return;
    over = true;
    if (reusable && connection.alive) keep(connection);
    else connection.destroy();
    resolve(ending);
  }

  function fail(kind: Failure['kind'], message: string): false {
    finish({ is: 'failed', failure: { kind, message } }, false);
    return false;
  }

  function bodyComplete(): void {
    const reusable = head !== undefined && keepsAlive(head) && bodyOver && !surplus && framing.by !== 'close';
    if (refusal === undefined || head === undefined) {
      finish({ is: 'complete' }, reusable);
      return;
    }
    const failure = classifyRefusal(head.status, head.headers, refusal.toString('utf8'));
    finish({ is: 'failed', failure }, reusable);
  }

  /** After bytes of the body went to the target; false when reading has to stop for now. */
  function goOn(): boolean {
    const pause = target.pauseAfter(unbooked);
    unbooked = 0;
    if (typeof pause !== 'number') {
      finish({ is: 'failed', failure: pause }, false);
      return false;
    }
    if (bodyOver) {
      bodyComplete();
      return true;
    }
    if (pause === 0) return hasRoom();
    paused = true;
    setTimeout(resumeReading, pause);
    return false;
  }

  /** Reading stops before there is something that has no room, which would be copied once more, as the first bytes after a pause are. */
  function hasRoom(): boolean {
    return framing.by !== 'length' || target.readsOn() || waitForRoom();
  }

  function waitForRoom(): false {
    paused = true;
    target.whenRoom(resumeReading);
    return false;
  }

  function resumeReading(): void {
    paused = false;
    lastAt = now();
    if (!over && drain() && !over) connection.resume();
  }

  /** Copies what waits into the target; false when reading has to stop for now. */
  function drain(): boolean {
    for (let [data, ...others] = waiting; data !== undefined; [data, ...others] = waiting) {
      const space = target.space();
      if (space === undefined) {
        // TLS goes on to deliver what it has decrypted already, into the same memory.
        waiting = waiting.map((one) => new Uint8Array(one));
        return waitForRoom();
      }
      if (space.length === 0) return fail('too-long', 'The server sent more than it was asked for.');
      const part = data.subarray(0, space.length);
      space.set(part);
      target.took(part.length, lastAt);
      unbooked += part.length;
      waiting = part.length === data.length ? others : [data.subarray(part.length), ...others];
    }
    return goOn();
  }

  function takeBody(bytes: Uint8Array): boolean {
    const data: Uint8Array[] = [];
    if (chunks === undefined) {
      const own = bytes.subarray(0, bodyLeft);
      // What follows is of no response of ours, so nothing more on this connection is.
      surplus = own.length < bytes.length;
      if (own.length > 0) data.push(own);
      bodyLeft -= own.length;
      bodyOver = bodyLeft === 0;
    } else {
      const state = chunks.take(bytes, (run) => data.push(run));
      if (state === 'malformed') return fail('malformed', 'The chunks of the body make no sense.');
      bodyOver = state === 'complete';
    }
    if (refusal !== undefined) {
      refusal = Buffer.concat([refusal, ...data]);
      if (bodyOver || refusal.length > MOST_REFUSAL_BYTES) bodyComplete();
      return !over;
    }
    if (paused) {
      waiting = [...waiting, ...data.map((one) => new Uint8Array(one))];
      return false;
    }
    waiting = data;
    return drain();
  }

  function takeHead(bytes: Uint8Array): boolean {
    headBytes = Buffer.concat([headBytes, bytes]);
    const parsed = parseHead(headBytes);
    if (parsed.is === 'incomplete') return true;
    if (parsed.is === 'malformed') return fail('malformed', `The server answered ${parsed.why}.`);
    const rest = headBytes.subarray(parsed.bytes);
    headBytes = Buffer.alloc(0);
    // 1xx announces the real response.
    if (parsed.head.status < 200) return rest.length === 0 || takeHead(rest);
    head = parsed.head;
    framing = framingOf(head);
    if (framing.by === 'malformed') return fail('malformed', `The server answered ${framing.why}.`);
    if (framing.by === 'length') bodyLeft = framing.length;
    if (framing.by === 'chunks') chunks = createChunkedBody();
    const decision = onHead(head);
    if (decision.is === 'redirect' || decision.is === 'failed') {
      finish(decision, false);
      return false;
    }
    if (decision.is === 'refused') refusal = Buffer.alloc(0);
    return takeBody(rest);
  }

  const incoming: Incoming = {
    space() {
      if (over || paused || head === undefined || framing.by !== 'length' || refusal !== undefined) return undefined;
      const space = target.space();
      if (space === undefined || space.length === 0) return undefined;
      // A second view of it is made only where it has to be: over TLS this is asked for every 16 KiB.
      return space.length <= bodyLeft ? space : space.subarray(0, bodyLeft);
    },
    landed(bytes) {
      lastAt = now();
      bodyLeft -= bytes;
      bodyOver = bodyLeft === 0;
      target.took(bytes, lastAt);
      unbooked += bytes;
      return goOn();
    },
    arrived(bytes) {
      lastAt = now();
      answered = true;
      return head === undefined ? takeHead(bytes) : takeBody(bytes);
    },
    closed(error) {
      if (error instanceof TlsError) fail('tls', error.message);
      else if (error instanceof PrivateAddressError) fail('redirects', error.message);
      else if (head !== undefined && framing.by === 'close' && error === undefined) {
        bodyOver = true;
        bodyComplete();
      } else fail(answered ? 'broken-off' : 'connect', error?.message ?? 'The server closed the connection.');
    },
  };
  connection.use(incoming, request);

  return {
    end,
    silentMs: (at) => (paused || over ? 0 : at - lastAt),
    isReading: () => !paused,
    answered: () => answered,
    abort: (failure) => finish({ is: 'failed', failure }, false),
  };
}
