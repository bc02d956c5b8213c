/** Why a try to read a range ended early, or a response was none to use. */
export type FailureKind =
  /** The connection could not be made, broke off, or brought fewer bytes than it promised. */
  | 'connect'
  | 'broken-off'
  /** Nothing came for a while, or next to nothing for long. */
  | 'stalled'
  | 'slow'
  /** 5xx and 408; `slow-down`: the server asks for fewer requests. */
  | 'server-error'
  | 'slow-down'
  /** 401 or 403, which new rights may mend. */
  | 'unauthorized'
  | 'absent'
  | 'archived'
  /** The object is no longer the one whose bytes were read before. */
  | 'changed'
  /** 416: the object ends before the range. */
  | 'beyond-end'
  /** A 206 with other bytes than those asked for; a 200 in the place of a range; more bytes than promised. */
  | 'wrong-range'
  | 'no-ranges'
  | 'too-long'
  /** A body whose end cannot be told from a connection that broke off. */
  | 'no-length'
  /** A body of unknown length grew above what may be taken. */
  | 'too-large'
  /** No HTTP, a head or trailer without an end; a body in a coding that was not asked for. */
  | 'malformed'
  | 'encoded'
  | 'redirects'
  | 'tls'
  | 'refused'
  | 'no-space'
  | 'disk-error'
  | 'cancelled';

export interface Failure {
  readonly kind: FailureKind;
  /** For people: what the server or the disk said. */
  readonly message: string;
  /** As the server asked for by `Retry-After`. */
  readonly retryAfterMs?: number;
  /** Where S3 says that the bucket is. */
  readonly region?: string;
}

/** Also a signature for another region than the bucket's. */
const RENEWABLE =
  /ExpiredToken|RequestTimeTooSkewed|TokenRefreshRequired|RequestExpired|PermanentRedirect|AuthorizationHeaderMalformed/;
const SLOW_DOWN = /SlowDown|Throttl|RequestLimitExceeded|ServiceUnavailable|TooManyRequests/i;

/**
 * What a response that brings none of the wanted bytes says. `body` is its beginning: S3's XML, or the JSON of the
 * embedded runtime, names the error more exactly than the status.
 */
export function classifyRefusal(status: number, headers: ReadonlyMap<string, string>, body: string): Failure {
  const code = /<Code>([A-Za-z0-9]{1,64})<\/Code>/.exec(body)?.[1] ?? /"code":"([a-z-]{1,64})"/.exec(body)?.[1];
  const region = headers.get('x-amz-bucket-region') ?? /<Region>([a-z0-9-]{1,32})<\/Region>/.exec(body)?.[1];
  const retryAfterMs = retryAfterOf(headers.get('retry-after'));
  return {
    kind: kindOf(status, code ?? ''),
    message: `HTTP ${status}${code === undefined ? '' : ` ${code}`}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(region === undefined ? {} : { region }),
  };
}

function kindOf(status: number, code: string): FailureKind {
  if (code === 'InvalidObjectState' || code === 'archived') return 'archived';
  if (status === 401 || status === 403 || status === 407 || RENEWABLE.test(code)) return 'unauthorized';
  // 405: the version is a delete marker.
  if (status === 404 || status === 410 || status === 405) return 'absent';
  if (status === 412) return 'changed';
  if (status === 416) return 'beyond-end';
  if (status === 429 || status === 503 || SLOW_DOWN.test(code)) return 'slow-down';
  if (status === 408 || status >= 500) return 'server-error';
  return 'refused';
}

/** Seconds, as every object store sends it; a date is as good as none. */
function retryAfterOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined;
}
