const CR = 13;
const LF = 10;
/** Of a size line with its extensions, and of all trailers together. */
const MOST_LINE_BYTES = 4096;
const MOST_TRAILER_BYTES = 16 * 1024;

export interface ChunkedBody {
  /** Gives every run of data to `onData` and says whether the body is complete, still open, or no chunked body at all. */
  take(bytes: Uint8Array, onData: (data: Uint8Array) => void): 'open' | 'complete' | 'malformed';
}

/** Decodes `Transfer-Encoding: chunked` (RFC 9112, 7.1); what comes after its end is not read. */
export function createChunkedBody(): ChunkedBody {
  let state: 'size' | 'data' | 'data-end' | 'trailers' = 'size';
  let line = '';
  let left = 0;
  let trailerBytes = 0;

  /** Adds one byte to the line; answers the line when that completes it. */
  function lineWith(byte: number): string | undefined {
    if (byte !== LF) {
      line += String.fromCharCode(byte);
      return undefined;
    }
    const complete = line.endsWith('\r') ? line.slice(0, -1) : line;
    line = '';
    return complete;
  }

  return {
    take(bytes, onData) {
      for (let at = 0; at < bytes.length; ) {
        if (state === 'data') {
          const data = bytes.subarray(at, at + left);
          onData(data);
          left -= data.length;
          at += data.length;
          if (left === 0) state = 'data-end';
          continue;
        }
        const byte = bytes[at] ?? 0;
        at += 1;
        if (state === 'data-end') {
          if (byte === LF) state = 'size';
          else if (byte !== CR) return 'malformed';
          continue;
        }
        const complete = lineWith(byte);
        if (state === 'trailers') trailerBytes += 1;
        if (line.length > MOST_LINE_BYTES || trailerBytes > MOST_TRAILER_BYTES) return 'malformed';
        if (complete === undefined) continue;
        if (state === 'trailers') {
          if (complete === '') return 'complete';
          continue;
        }
        const [, size] = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(complete) ?? [];
        if (size === undefined) return 'malformed';
        left = Number.parseInt(size, 16);
        state = left === 0 ? 'trailers' : 'data';
      }
      return 'open';
    },
  };
}
