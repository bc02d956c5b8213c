/** Status line and headers of one response. Names are in lower case; of a name that came twice the values are joined by commas. */
export interface ResponseHead {
  readonly status: number;
  readonly version: '1.0' | '1.1';
  readonly headers: ReadonlyMap<string, string>;
}

export type HeadResult =
  | { readonly is: 'incomplete' }
  | { readonly is: 'malformed'; readonly why: string }
  | { readonly is: 'head'; readonly head: ResponseHead; readonly bytes: number };

/** A flood of headers ends here; S3's largest heads are below 9 KiB. */
const MOST_HEAD_BYTES = 32 * 1024;
const MOST_HEADERS = 200;
const END = Buffer.from('\r\n\r\n');

export function parseHead(bytes: Buffer): HeadResult {
  const end = bytes.indexOf(END);
  if (end > MOST_HEAD_BYTES || (end < 0 && bytes.length > MOST_HEAD_BYTES)) return malformed('a head without an end');
  if (end < 0) return { is: 'incomplete' };
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const [, version, status] = /^HTTP\/1\.([01]) (\d{3})(?: .*)?$/.exec(first) ?? [];
  if (version === undefined) return malformed('no HTTP/1 status line');
  if (lines.length > MOST_HEADERS) return malformed(`${lines.length} headers`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return malformed('a header line without a name');
    const key = name.toLowerCase();
    const earlier = headers.get(key);
    headers.set(key, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  const head: ResponseHead = { status: Number(status), version: version === '0' ? '1.0' : '1.1', headers };
  return { is: 'head', head, bytes: end + END.length };
}

export type Framing =
  | { readonly by: 'length'; readonly length: number }
  | { readonly by: 'chunks' }
  | { readonly by: 'close' }
  | { readonly by: 'malformed'; readonly why: string };

/** How the end of the body is known (RFC 9112, 6.3). */
export function framingOf({ status, headers }: ResponseHead): Framing {
  if (status === 204 || status === 304) return { by: 'length', length: 0 };
  const coding = headers.get('transfer-encoding');
  if (coding !== undefined) {
    return coding.toLowerCase() === 'chunked' ? { by: 'chunks' } : malformedBody(`a transfer coding ${coding}`);
  }
  const length = headers.get('content-length');
  if (length === undefined) return { by: 'close' };
  // A length that was sent twice is fine as long as it is the same one.
  const lengths = new Set(length.split(',').map((one) => one.trim()));
  const [only = ''] = lengths;
  if (lengths.size !== 1 || !/^\d{1,15}$/.test(only)) return malformedBody(`a content length of ${length}`);
  return { by: 'length', length: Number(only) };
}

export function keepsAlive({ version, headers }: ResponseHead): boolean {
  const connection = headers.get('connection')?.toLowerCase() ?? '';
  return version === '1.1' ? !connection.includes('close') : connection.includes('keep-alive');
}

export interface ContentRange {
  readonly first: number;
  readonly last: number;
  readonly total: number | undefined;
}

export function parseContentRange(text: string | undefined): ContentRange | undefined {
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(text ?? '') ?? [];
  if (first === undefined || last === undefined) return undefined;
  return { first: Number(first), last: Number(last), total: total === '*' ? undefined : Number(total) };
}

function malformed(why: string): HeadResult {
  return { is: 'malformed', why };
}

function malformedBody(why: string): Framing {
  return { by: 'malformed', why };
}
