import { createServer, request } from 'node:http';

export interface Gateway {
  /** Where agents find the host API. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Stands for API Gateway's host name on loopback: forwards every call to the emulator under the name that its API has
 * there, `<api id>.execute-api.127.0.0.1`, which no resolver knows.
 */
export async function startGateway(apiUrl: string, emulator: string): Promise<Gateway> {
  const [apiId] = new URL(apiUrl).host.split('.');
  const target = new URL(emulator);
  const server = createServer((incoming, answer) => {
    const host = `${apiId}.execute-api.${target.hostname}:${target.port}`;
    const forwarded = request(
      {
        host: target.hostname,
        port: target.port,
        method: incoming.method,
        path: incoming.url,
        headers: { ...incoming.headers, host },
      },
      (reply) => {
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(answer);
      },
    );
    forwarded.once('error', () => answer.writeHead(502).end());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('A TCP server has an address.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
