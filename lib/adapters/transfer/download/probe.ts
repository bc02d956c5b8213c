import { setTimeout as sleep } from 'node:timers/promises';
import { decideRetry, NO_RETRIES, type RetryLimits } from '../decideRetry.ts';
import type { Failure } from '../failures.ts';
import type { Reach } from '../http/connection.ts';
import type { Connections } from '../http/connections.ts';
import { startExchange } from '../http/exchange.ts';
import { redirectedRequest, requestText } from '../http/rangeRequest.ts';
import { parseContentRange, type ResponseHead, framingOf } from '../http/responseHead.ts';
import type { Identity, SignedRequest } from '../worker/protocol.ts';

/** What a server says about an object before its bytes are fetched. */
export interface Probed {
  readonly identity: Identity;
  /** Whether it serves ranges; if not, the object comes in one piece or not at all. */
  readonly ranges: boolean;
}

export interface ProbeOptions {
  readonly connections: Connections;
  readonly retry: RetryLimits;
  readonly timeoutMs: number;
  /** Asked for again where the server does not take the request's rights. */
  readonly sign: (region: string | undefined) => Promise<SignedRequest | Failure>;
}

const MOST_REDIRECTS = 5;

/** Asks for the first byte: unlike HEAD, presigned URLs and every server of files allow that. */
export async function probe(
  options: ProbeOptions,
): Promise<Probed | { readonly failure: Failure; readonly retryable: boolean }> {
  let region: string | undefined;
  for (let counts = NO_RETRIES; ; ) {
    const request = await options.sign(region);
    if ('kind' in request) return { failure: request, retryable: false };
    const answer = await follow(options, request);
    if (!('kind' in answer)) return answer;
    const decision = decideRetry(answer, counts, 0, Math.random(), options.retry);
    if (decision.is === 'give-up') return { failure: answer, retryable: decision.retryable };
    counts = decision.counts;
    region = answer.region ?? region;
    if (decision.is === 'again') await sleep(decision.afterMs);
  }
}

async function follow(options: ProbeOptions, first: SignedRequest): Promise<Probed | Failure> {
  let request = first;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
    const answer = await ask(options, request);
    if (!('location' in answer)) return answer;
    const next = redirectedRequest(request, answer.location, answer.by);
    if ('kind' in next) return next;
    request = next;
  }
  return { kind: 'redirects', message: `More than ${MOST_REDIRECTS} redirects in a row.` };
}

async function ask(
  { connections, timeoutMs }: ProbeOptions,
  request: SignedRequest,
): Promise<Probed | Failure | { readonly location: string; readonly by: Reach }> {
  const url = new URL(request.origin);
  const text = requestText(request, { first: 0, last: 0 }, {}, connections.plainProxy(url));
  const connection = connections.take(url, true, request.reach);
  let probed: Probed | Failure | undefined;
  let by: Reach = 'any';
  const exchange = startExchange(
    {
      connection,
      onHead(head) {
        if (connection.isPublic) by = 'public';
        const { status, headers } = head;
        const location = headers.get('location');
        if (status >= 300 && status < 400 && location !== undefined) return { is: 'redirect', location };
        probed = probedBy(head);
        if (probed === undefined) return { is: 'refused' };
        return { is: 'failed', failure: { kind: 'cancelled', message: 'The head is enough.' } };
      },
      target: {
        space: () => undefined,
        readsOn: () => true,
        took: () => undefined,
        whenRoom: () => undefined,
        pauseAfter: () => 0,
      },
      keep: (kept) => kept.destroy(),
      now: () => performance.now(),
    },
    text,
  );
  const timer = setTimeout(() => {
    exchange.abort({ kind: 'stalled', message: `No answer for ${Math.round(timeoutMs / 1000)} s.` });
  }, timeoutMs);
  const end = await exchange.end;
  clearTimeout(timer);
  if (probed !== undefined) return probed;
  if (end.is === 'redirect') return { location: end.location, by };
  return end.is === 'failed' ? end.failure : { kind: 'malformed', message: 'The server answered nothing.' };
}

/** Undefined: the answer is a refusal. */
function probedBy(head: ResponseHead): Probed | Failure | undefined {
  const { status, headers } = head;
  const range = headers.get('content-range');
  const etag = headers.get('etag');
  const lastModified = headers.get('last-modified');
  const named = { ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { lastModified }) };
  // An empty object has no first byte.
  if (status === 416 && range === 'bytes */0') return { identity: { ...named, totalBytes: 0 }, ranges: true };
  if (status === 206) {
    const got = parseContentRange(range);
    if (got?.first === 0 && got.total !== undefined) {
      return { identity: { ...named, totalBytes: got.total }, ranges: true };
    }
    return {
      kind: 'wrong-range',
      message: `The server was asked for its first byte and sent ${range ?? 'no Content-Range'}.`,
    };
  }
  if (status !== 200) return undefined;
  const framing = framingOf(head);
  if (framing.by === 'close') {
    return { kind: 'no-length', message: 'The server says neither how long the object is nor where it ends.' };
  }
  return { identity: { ...named, ...(framing.by === 'length' ? { totalBytes: framing.length } : {}) }, ranges: false };
}
