import { connect as connectSocket, isIP, type LookupFunction, type Socket } from 'node:net';
import { createSecureContext, DEFAULT_CIPHERS, connect as connectTls, type SecureContext } from 'node:tls';
import { PrivateAddressError, publicLookup } from './publicAddress.ts';
import { openTunnel, portOf, socketHost } from './tunnel.ts';

/** Who reads what comes over a connection, for the length of one exchange. */
export interface Incoming {
  /** Where the next bytes should land; undefined: nowhere in particular, they come by `arrived`. */
  space(): Uint8Array | undefined;
  /** So many bytes have landed in the space that was given. False stops reading until `resume`. */
  landed(bytes: number): boolean;
  /** Bytes that lie elsewhere, and only until reading goes on. False stops reading until `resume`. */
  arrived(bytes: Uint8Array): boolean;
  /** Nothing more will come. Once, also after an error. */
  closed(error: Error | undefined): void;
}

/**
 * One connection: opening → used by one exchange at a time, idle in between → destroyed. What comes while it is idle, or
 * fails, ends it.
 */
export interface Connection {
  readonly key: string;
  readonly alive: boolean;
  /** Whether who answers may have an address of the internet: all do of whom no other is known, as behind a proxy. */
  readonly isPublic: boolean;
  /** Whether an earlier exchange has ended well on it: such a connection may be closed by the server at any moment. */
  reused: boolean;
  /** Makes this the exchange's connection and sends its request, as soon as it is open. */
  use(incoming: Incoming, request: string): void;
  release(): void;
  resume(): void;
  destroy(): void;
}

export interface ConnectOptions {
  /** Of all connections: one for each would take 100 kB of each. */
  readonly secureContext: () => SecureContext;
  readonly lookup: LookupFunction;
  readonly isPublic: (address: string) => boolean;
}

/** `public`: fails with `PrivateAddressError` where the server is not on the internet. A proxy decides that for itself. */
export type Reach = 'any' | 'public';

/** Where heads and small answers land, so that a body begins at a page of its own. */
const SCRATCH_BYTES = 16 * 1024;

/** Error codes that say nothing about certificates or protocols, also while TLS is being set up. */
const NETWORK_CODES = /^E(CONN|PIPE|TIMEDOUT|HOST|NET|ADDR|AI_|NOTFOUND)/;

/** What Node offers, beginning with the cheapest: of TLS 1.3 it would name AES-256 first, which costs both sides more. */
const CHEAPEST = 'TLS_AES_128_GCM_SHA256';
const ciphers = DEFAULT_CIPHERS.split(':')
  .sort((one, other) => Number(other === CHEAPEST) - Number(one === CHEAPEST))
  .join(':');

/** What connections offer and trust: `ca`, as PEM, instead of the usual certificates. */
export function secureContextOf(ca: string | undefined): SecureContext {
  return createSecureContext({ ...(ca === undefined ? {} : { ca }), ciphers });
}

/** The server's certificate or its TLS is not what it should be; trying again does not help. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
}

export function openConnection(
  key: string,
  url: URL,
  proxy: URL | undefined,
  reach: Reach,
  options: ConnectOptions,
): Connection {
  let incoming: Incoming | undefined;
  /** The request, until there is a socket to write it to. */
  let unsent: string | undefined;
  let socket: Socket | undefined;
  let tunnel: Socket | undefined;
  let alive = true;
  let reading = true;
  let isPublic = true;
  const secure = url.protocol === 'https:';
  const scratch = new Uint8Array(SCRATCH_BYTES);

  function end(error: Error | undefined): void {
    if (!alive) return;
    alive = false;
    socket?.destroy();
    tunnel?.destroy();
    const last = incoming;
    incoming = undefined;
    last?.closed(error);
  }

  function deliver(bytes: Uint8Array | number): boolean {
    if (incoming === undefined) {
      end(undefined);
      return false;
    }
    reading = typeof bytes === 'number' ? incoming.landed(bytes) : incoming.arrived(bytes);
    return reading;
  }

  const onread = {
    buffer: () => incoming?.space() ?? scratch,
    callback: (bytes: number, buffer: Uint8Array) => deliver(buffer === scratch ? scratch.subarray(0, bytes) : bytes),
  };

  function adopt(opened: Socket): void {
    let handshaking = secure;
    socket = opened;
    opened.setNoDelay(true);
    // Later it may be gone with the connection.
    opened.once('connect', () => {
      const { remoteAddress } = opened;
      if (proxy === undefined && remoteAddress !== undefined) isPublic = options.isPublic(remoteAddress);
    });
    opened.once('secureConnect', () => {
      handshaking = false;
    });
    opened.on('error', (error: Error & { readonly code?: string }) => {
      const isTls = handshaking && !(error instanceof PrivateAddressError) && !NETWORK_CODES.test(error.code ?? '');
      end(isTls ? new TlsError(`${url.host}: ${error.message}`, { cause: error }) : error);
    });
    opened.once('end', () => end(undefined));
    opened.once('close', () => end(undefined));
    if (unsent !== undefined) opened.write(unsent);
    unsent = undefined;
  }

  const guarded = reach === 'public' && proxy === undefined;
  const lookup = guarded ? publicLookup(options.lookup, options.isPublic) : options.lookup;
  const name = isIP(socketHost(url)) === 0 ? { servername: socketHost(url) } : {};
  const tls = { ...name, ALPNProtocols: ['http/1.1'] };
  if (guarded && isIP(socketHost(url)) !== 0 && !options.isPublic(socketHost(url))) {
    queueMicrotask(() =>
      end(
        new PrivateAddressError(
          `No redirect of the internet may lead to ${url.host}. If you trust it, fetch from there.`,
        ),
      ),
    );
  } else if (secure && proxy !== undefined) {
    tunnel = openTunnel(url, proxy, lookup, end, (through) => {
      // A socket that is handed to TLS has no `onread`: its bytes come as events.
      // The host is who the certificate has to name where that is an address.
      const host = socketHost(url);
      const opened = connectTls({ ...tls, host, secureContext: options.secureContext(), socket: through });
      adopt(opened);
      opened.on('data', (bytes) => {
        if (!deliver(bytes)) opened.pause();
      });
    });
  } else {
    const direct = { host: socketHost(proxy ?? url), port: portOf(proxy ?? url), lookup, onread };
    adopt(secure ? connectTls({ ...direct, ...tls, secureContext: options.secureContext() }) : connectSocket(direct));
  }

  function resume(): void {
    if (reading || !alive) return;
    reading = true;
    socket?.resume();
  }

  return {
    key,
    get alive() {
      return alive;
    },
    get isPublic() {
      return isPublic;
    },
    reused: false,
    use(next, request) {
      incoming = next;
      // The exchange before may have ended without reading on.
      resume();
      if (socket === undefined) unsent = request;
      else socket.write(request);
    },
    release() {
      incoming = undefined;
    },
    resume,
    destroy: () => end(undefined),
  };
}
