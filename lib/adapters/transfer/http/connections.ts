import { lookup as resolveName } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import { type Connection, type ConnectOptions, openConnection, type Reach, secureContextOf } from './connection.ts';
import { type ProxySettings, proxyFor } from './proxy.ts';
import { isPublicAddress } from './publicAddress.ts';

/** Connections that are kept for the next exchange with the same server. */
export interface Connections {
  /** An idle connection, or a new one; `fresh` for a new one in any case. */
  take(url: URL, fresh: boolean, reach?: Reach): Connection;
  /** After an exchange that ended well and left the connection usable. */
  give(connection: Connection): void;
  /** The proxy that a request for this URL goes to in plain text, and so has to name the whole URL. */
  plainProxy(url: URL): URL | undefined;
  /** Closes connections that were idle for too long. */
  sweep(): void;
  close(): void;
}

/** Below the idle limit of common servers (Node 5 s, S3 and nginx longer). */
const IDLE_MS = 4_000;

interface Idle {
  readonly connection: Connection;
  readonly since: number;
}

export interface ConnectionsOptions {
  readonly proxies: ProxySettings;
  /** Certificates to trust instead of the usual ones, as PEM. */
  readonly ca: string | undefined;
  /** `isPublicAddress` but in tests, whose servers are all on one machine. */
  readonly isPublic?: (address: string) => boolean;
}

export function createConnections(
  { proxies, ca, isPublic = isPublicAddress }: ConnectionsOptions,
  now: () => number,
): Connections {
  const idle = new Map<string, Idle[]>();
  let context: SecureContext | undefined;
  const connect: ConnectOptions = {
    lookup: createLookup(),
    isPublic,
    secureContext: () => (context ??= secureContextOf(ca)),
  };
  const usable = ({ connection, since }: Idle) => connection.alive && now() - since < IDLE_MS;

  return {
    take(url, fresh, reach = 'any') {
      const proxy = proxyFor(url, proxies);
      const key = `${url.protocol}//${url.host} ${proxy?.href ?? ''} ${reach}`;
      const kept = fresh ? [] : (idle.get(key) ?? []);
      for (let last = kept.pop(); last !== undefined; last = kept.pop()) {
        if (usable(last)) return last.connection;
        last.connection.destroy();
      }
      return openConnection(key, url, proxy, reach, connect);
    },
    give(connection) {
      connection.release();
      connection.reused = true;
      idle.set(connection.key, [...(idle.get(connection.key) ?? []), { connection, since: now() }]);
    },
    plainProxy: (url) => (url.protocol === 'http:' ? proxyFor(url, proxies) : undefined),
    sweep() {
      for (const [key, kept] of idle) {
        for (const one of kept) if (!usable(one)) one.connection.destroy();
        idle.set(key, kept.filter(usable));
      }
    },
    close() {
      for (const { connection } of [...idle.values()].flat()) connection.destroy();
      idle.clear();
    },
  };
}

/** Answers the addresses of a name beginning with another one each time: object stores spread their load over them. */
function createLookup(): LookupFunction {
  let turn = 0;
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      turn = (turn + 1) % addresses.length;
      const rotated = [...addresses.slice(turn), ...addresses.slice(0, turn)];
      const [first] = rotated;
      if (options.all === true || first === undefined) callback(null, rotated);
      else callback(null, first.address, first.family);
    });
  };
}
