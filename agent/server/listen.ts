import { chmod, lstat, unlink } from 'node:fs/promises';
import { type AddressInfo, connect, type ListenOptions } from 'node:net';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import type { Hono } from 'hono';

/** Another agent serves this store, or something else has the address. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export interface Listening {
  /** Of TCP; undefined for a socket. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/** A unix socket that only this user may open. One that a dead agent left is replaced; a live one is an error. */
export async function listenOnSocket(app: Hono, path: string): Promise<Listening> {
  if (Buffer.byteLength(path) > 100) {
    throw new ListenError(`A unix socket's path has at most 100 bytes: ${path}. Give a shorter one with --socket.`);
  }
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined) {
    // Whatever else stands there is somebody's, and nothing that an agent has left.
    if (!found.isSocket()) throw new ListenError(`${path} is there and is no socket. Name another with --socket.`);
    if (await answers(path)) throw new ListenError(`Another agent already serves ${path}. Stop it first.`);
    await unlink(path);
  }
  const listening = await listen(app, { path });
  await chmod(path, 0o600);
  return listening;
}

/** Loopback only; port 0 takes a free one. */
export async function listenOnLoopback(app: Hono, port: number): Promise<Listening> {
  return listen(app, { host: '127.0.0.1', port });
}

async function listen(app: Hono, options: ListenOptions): Promise<Listening> {
  // No call has a body that is read; whoever dribbles one, or its headers, is let go.
  const serverOptions = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 1_000 };
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions });
  // The socket is created inside this call, with the mode that the mask leaves.
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new ListenError(`The local API cannot listen: ${error.message}`)));
      server.listen(options, resolve);
      process.umask(mask);
    });
  } finally {
    process.umask(mask);
  }
  const address = server.address();
  return { port: isTcp(address) ? address.port : undefined, close: () => close(server) };
}

function isTcp(address: AddressInfo | string | null): address is AddressInfo {
  return address !== null && typeof address !== 'string';
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function close(server: ServerType): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
}
