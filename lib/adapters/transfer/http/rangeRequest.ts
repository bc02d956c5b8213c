import type { Failure } from '../failures.ts';
import type { Identity, SignedRequest } from '../worker/protocol.ts';
import type { Reach } from './connection.ts';
import type { HeadDecision } from './exchange.ts';
import { framingOf, parseContentRange, type ResponseHead } from './responseHead.ts';
import { proxyAuthorization } from './tunnel.ts';

/** Bytes `first` to `last` of an object; undefined: the object from its beginning, without asking for a range. */
export type WantedRange = { readonly first: number; readonly last: number } | undefined;

/** Headers that carry no rights, so that another origin may see them. */
const HARMLESS = new Set(['user-agent', 'accept']);

/** @throws RangeError for a line that would be another one to the server. */
export function requestText(
  { origin, target, headers }: SignedRequest,
  range: WantedRange,
  identity: Identity,
  plainProxy: URL | undefined,
): string {
  const lines = [
    `GET ${plainProxy === undefined ? '' : origin}${target} HTTP/1.1`,
    `Host: ${new URL(origin).host}`,
    ...Object.entries(headers)
      .filter(([name]) => name.toLowerCase() !== 'host')
      .map(([name, value]) => `${name}: ${value}`),
    ...(plainProxy === undefined ? [] : proxyAuthorization(plainProxy)),
    ...(range === undefined ? [] : [`Range: bytes=${range.first}-${range.last}`, ...conditionOf(identity)]),
    'Accept-Encoding: identity',
  ];
  for (const line of lines) {
    // oxlint-disable-next-line no-control-regex
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) throw new RangeError('A request line holds a control character.');
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** A weak ETag never matches (RFC 9110, 13.1.1); the date is better than nothing. */
function conditionOf({ etag, lastModified }: Identity): readonly string[] {
  if (etag !== undefined && !etag.startsWith('W/')) return [`If-Match: ${etag}`];
  return lastModified === undefined ? [] : [`If-Unmodified-Since: ${lastModified}`];
}

/** What a head says to who asked for `range` of the object of this identity: never the bytes of another range or object. */
export function judgeHead(head: ResponseHead, range: WantedRange, identity: Identity): HeadDecision {
  const { status, headers } = head;
  const location = headers.get('location');
  if ([301, 302, 303, 307, 308].includes(status) && location !== undefined) return { is: 'redirect', location };
  if (status !== 200 && status !== 206) return { is: 'refused' };
  const coding = headers.get('content-encoding');
  if (coding !== undefined && !['', 'identity', 'aws-chunked'].includes(coding)) {
    return failed('encoded', `The server sent the object in the coding ${coding}.`);
  }
  const etag = headers.get('etag');
  if (identity.etag !== undefined && etag !== undefined && etag !== identity.etag) {
    return failed('changed', `Its ETag was ${identity.etag} and is now ${etag}.`);
  }
  return range === undefined ? judgeWhole(head, identity) : judgeRange(head, range, identity);
}

function judgeWhole(head: ResponseHead, { totalBytes }: Identity): HeadDecision {
  if (head.status === 206) return failed('wrong-range', 'The server sent a range when it was asked for everything.');
  const length = lengthOf(head);
  if (framingOf(head).by === 'close') {
    return failed('no-length', 'The server says neither how long the object is nor where it ends.');
  }
  if (totalBytes !== undefined && length !== undefined && length !== totalBytes) return changedSize(totalBytes, length);
  return { is: 'body' };
}

function judgeRange(head: ResponseHead, range: NonNullable<WantedRange>, { totalBytes }: Identity): HeadDecision {
  const wanted = range.last - range.first + 1;
  const length = lengthOf(head);
  if (head.status === 200) {
    const isAll = range.first === 0 && length === wanted && (totalBytes ?? wanted) === wanted;
    return isAll ? { is: 'body' } : failed('no-ranges', 'The server ignores ranges.');
  }
  const text = head.headers.get('content-range');
  const got = parseContentRange(text);
  if (got === undefined || got.first !== range.first || got.last !== range.last) {
    const sent = text ?? 'no Content-Range';
    return failed('wrong-range', `The server was asked for bytes ${range.first}-${range.last} and sent ${sent}.`);
  }
  if (totalBytes !== undefined && got.total !== undefined && got.total !== totalBytes) {
    return changedSize(totalBytes, got.total);
  }
  if (length !== undefined && length !== wanted) {
    return failed('wrong-range', `The server announced ${length} bytes for a range of ${wanted}.`);
  }
  return { is: 'body' };
}

function lengthOf(head: ResponseHead): number | undefined {
  const framing = framingOf(head);
  return framing.by === 'length' ? framing.length : undefined;
}

/**
 * Where a redirect leads, with only the headers that its origin may see; a way from TLS to plain text is none. Who stands on the internet
 * (`by`) leads to other servers there only: neither into this machine's network nor to what hands out its rights.
 */
export function redirectedRequest(from: SignedRequest, location: string, by: Reach): SignedRequest | Failure {
  const base = new URL(from.target, from.origin);
  const url = URL.canParse(location, base.href) ? new URL(location, base) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    return { kind: 'redirects', message: 'The server redirected to what is no HTTP URL.' };
  }
  if (base.protocol === 'https:' && url.protocol === 'http:') {
    return { kind: 'redirects', message: `The server redirected from TLS to plain text at ${url.host}.` };
  }
  const sameOrigin = url.origin === base.origin;
  const kept = Object.entries(from.headers).filter(([name]) => sameOrigin || HARMLESS.has(name.toLowerCase()));
  const request = { origin: url.origin, target: `${url.pathname}${url.search}`, headers: Object.fromEntries(kept) };
  return by === 'public' || from.reach === 'public' ? { ...request, reach: 'public' } : request;
}

function changedSize(before: number, now: number): HeadDecision {
  return failed('changed', `It had ${before} bytes and has now ${now}.`);
}

function failed(kind: Failure['kind'], message: string): HeadDecision {
  return { is: 'failed', failure: { kind, message } };
}
