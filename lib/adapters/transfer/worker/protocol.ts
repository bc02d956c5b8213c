import type { RetryLimits } from '../decideRetry.ts';
import type { Failure } from '../failures.ts';
import type { Reach } from '../http/connection.ts';
import type { ProxySettings } from '../http/proxy.ts';

// What the engine's main thread and its workers say to each other.

/** A request with all rights that it needs, but for its range and its conditions. */
export interface SignedRequest {
  /** As in `https://host:port`. */
  readonly origin: string;
  /** Path and query exactly as they were signed. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `public` once a server of the internet has redirected here. */
  readonly reach?: Reach;
}

/** What makes sure that all ranges come from the same bytes. */
export interface Identity {
  readonly etag?: string;
  readonly lastModified?: string;
  readonly totalBytes?: number;
}

export interface RangeOrder {
  readonly id: number;
  /** Where in the shared counters its progress stands. */
  readonly slot: number;
  readonly source: number;
  readonly identity: Identity;
  /** An absolute path. */
  readonly path: string;
  readonly offset: number;
  /** Of the range; `atMost`: everything that the server sends without being asked for a range, within this bound. */
  readonly bytes: { readonly exactly: number } | { readonly atMost: number };
  readonly sha256: boolean;
}

export type RangeEnd =
  | { readonly outcome: 'read'; readonly bytes: number; readonly crc32c: number; readonly sha256: string | undefined }
  | { readonly outcome: 'failed'; readonly failure: Failure; readonly retryable: boolean };

export interface WorkerLimits {
  readonly poolBytes: number;
  /** A connection on which nothing comes for so long is given up. */
  readonly stallMs: number;
  /** One that is silent for so long is exchanged for another, while others bring bytes or when it is the last. */
  readonly quietMs: number;
  /** One that brings less than this over `slowMs` is given up for another. */
  readonly slowBytesPerSecond: number;
  readonly slowMs: number;
  readonly retry: RetryLimits;
}

export interface WorkerData {
  readonly counters: SharedArrayBuffer;
  readonly proxies: ProxySettings;
  readonly ca: string | undefined;
  readonly limits: WorkerLimits;
}

export type ToWorker =
  | { readonly is: 'read'; readonly order: RangeOrder }
  | { readonly is: 'suspend' | 'resume' | 'cancel'; readonly id: number }
  /** The answer to `renew`. */
  | { readonly is: 'request'; readonly source: number; readonly request: SignedRequest | Failure }
  | { readonly is: 'forget'; readonly source: number }
  | { readonly is: 'rate'; readonly bytesPerSecond: number }
  | { readonly is: 'close' };

export type FromWorker =
  | { readonly is: 'ended'; readonly id: number; readonly end: RangeEnd }
  | { readonly is: 'suspended'; readonly id: number }
  /** A range waited so long for its first byte. */
  | { readonly is: 'first-byte'; readonly ms: number }
  /** A try failed, and the range is tried again. */
  | { readonly is: 'again'; readonly failure: Failure }
  /** Asks for a request with fresh rights, in `region` where S3 named one. */
  | { readonly is: 'renew'; readonly source: number; readonly region: string | undefined }
  /** A server asked for fewer requests. */
  | { readonly is: 'slow-down' };
