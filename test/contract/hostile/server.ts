import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface Asked {
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Undefined where no range was asked for. */
  readonly range: { readonly first: number; readonly last: number } | undefined;
  /** Requests so far, this one included; the probe is the first. */
  readonly count: number;
}

export interface Hostile {
  readonly object: Buffer;
  readonly etag: string;
  /** Answers one request on its socket in whatever way. */
  readonly answer: (asked: Asked, socket: Socket, server: Hostile) => void;
}

export interface HostileServer {
  readonly port: number;
  behave(hostile: Hostile): void;
  close(): Promise<void>;
}

/** A server that answers by the byte: it knows nothing of HTTP but where a request ends. */
export async function startHostileServer(tls?: {
  readonly key: Buffer;
  readonly cert: Buffer;
}): Promise<HostileServer> {
  let current: Hostile | undefined;
  let count = 0;
  const sockets = new Set<Socket>();
  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let text = '';
    socket.on('data', (bytes) => {
      // The first byte of a TLS handshake.
      if (bytes[0] === 0x16) return refuse(socket, '400 Bad Request');
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const request = text.slice(0, end);
        text = text.slice(end + 4);
        count += 1;
        if (current !== undefined) current.answer(parse(request, count), socket, current);
      }
    });
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    behave(hostile) {
      count = 0;
      current = hostile;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function parse(request: string, count: number): Asked {
  const [first = '', ...lines] = request.split('\r\n');
  const headers = new Map(
    lines.map((line): [string, string] => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.get('range') ?? '') ?? [];
  const range = from === undefined ? undefined : { first: Number(from), last: Number(to) };
  return { path: first.split(' ')[1] ?? '', headers, range, count };
}

export function head(status: string, headers: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`;
}

/** As a good server answers: the range, pinned by its ETag. */
export function well({ range }: Asked, socket: Socket, { object, etag }: Hostile): void {
  if (range === undefined) {
    socket.write(head('200 OK', { 'Content-Length': object.length, ETag: etag }));
    socket.write(object);
    return;
  }
  const bytes = object.subarray(range.first, range.last + 1);
  socket.write(rangeHead(range, object.length, etag, bytes.length));
  socket.write(bytes);
}

export function rangeHead(
  { first, last }: { readonly first: number; readonly last: number },
  total: number,
  etag: string,
  length: number,
): string {
  return head('206 Partial Content', {
    'Content-Length': length,
    'Content-Range': `bytes ${first}-${last}/${total}`,
    ETag: etag,
  });
}

export function refuse(socket: Socket, status: string, body = '', headers: Record<string, string> = {}): void {
  socket.write(head(status, { ...headers, 'Content-Length': body.length }) + body);
}
