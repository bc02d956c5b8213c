import { availableParallelism } from 'node:os';
import { MIB } from '../../shared/units.ts';
import type { SocketBounds } from './adaptSockets.ts';
import { RETRY_LIMITS, type RetryLimits } from './decideRetry.ts';
import type { Failure } from './failures.ts';
import type { ProxySettings } from './http/proxy.ts';

export interface EngineConfig {
  /** How many threads read: a thread that also decrypts brings less. A limited rate is shared by those of `plain`. */
  readonly workers: { readonly plain: number; readonly tls: number };
  /** `mostTls` while anything is read over TLS: beside the pool a connection takes 0.2 MB of memory, over TLS twice as much. */
  readonly sockets: SocketBounds & { readonly mostTls: number };
  /** Of `workers.plain` together, and as much for each further one. */
  readonly poolBytes: number;
  /** Of all transfers together; `Infinity` for none. */
  readonly bytesPerSecond: number;
  readonly stallMs: number;
  readonly quietMs: number;
  readonly slowBytesPerSecond: number;
  readonly slowMs: number;
  readonly retry: RetryLimits;
  readonly proxies: ProxySettings;
  readonly ca: string | undefined;
  /** Rights that have not come after so long are asked for again. */
  readonly signMs: number;
  /** Told of each try that failed and is followed by another. */
  readonly onAgain: (failure: Failure) => void;
  /** Told how long each range waited for its first byte. */
  readonly onFirstByte: (ms: number) => void;
}

const CORES = availableParallelism();

export const ENGINE_DEFAULTS: EngineConfig = {
  // One thread fills 0.8 GiB/s and more, less over TLS; others pay where cores are left for them.
  workers: { plain: CORES >= 8 ? 4 : CORES >= 4 ? 2 : 1, tls: CORES >= 8 ? 4 : Math.min(2, CORES) },
  // Two keep a core busy where the line is fast; more only cost it. Where the line is slow, they are added.
  // No more than leave a process with the threads of two cores below 150 MB.
  sockets: { first: Math.min(8, 2 * CORES), most: 192, mostTls: 32 },
  poolBytes: 8 * MIB,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  stallMs: 10_000,
  quietMs: 2_000,
  slowBytesPerSecond: 16 * 1024,
  slowMs: 15_000,
  retry: RETRY_LIMITS,
  proxies: { http: undefined, https: undefined, no: undefined },
  ca: undefined,
  signMs: 30_000,
  onAgain: () => undefined,
  onFirstByte: () => undefined,
};
