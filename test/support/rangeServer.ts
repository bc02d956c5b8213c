import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PortError } from '../../lib/shared/errors.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';

export interface RangeServer {
  /** As in `http://127.0.0.1:1234`. */
  readonly origin: string;
  /** What it answers from now on. */
  serve(objects: ObjectReader): void;
  close(): Promise<void>;
}

/** An object store of one object over HTTP: each ranged GET asks an `ObjectReader`, and its errors become statuses. */
export async function startRangeServer(): Promise<RangeServer> {
  let objects: ObjectReader | undefined;
  const server: Server = createServer((request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    void answer(objects, Number(first), Number(last), response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    serve(next) {
      objects = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  objects: ObjectReader | undefined,
  first: number,
  last: number,
  response: ServerResponse,
): Promise<void> {
  const wanted = last - first + 1;
  try {
    const read = await objects?.readRange('object', 'v1', first, wanted);
    if (read?.outcome !== 'read') {
      response.writeHead(read?.outcome === 'archived' ? 403 : 404).end(JSON.stringify({ code: read?.outcome }));
      return;
    }
    response.writeHead(206, { 'content-length': wanted, 'content-range': `bytes ${first}-${last}/*` });
    if (read.bytes.length === wanted) response.end(read.bytes);
    else response.write(read.bytes, () => response.destroy());
  } catch (error) {
    const code = error instanceof PortError ? error.code : 'unavailable';
    const status = { 'access-denied': 403, throttled: 429 }[code as string] ?? 503;
    response.writeHead(status).end(JSON.stringify({ code }));
  }
}
