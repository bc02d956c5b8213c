import { formatCount } from '../../../shared/formatCount.ts';
import { decideRetry, NO_RETRIES } from '../decideRetry.ts';
import type { Failure } from '../failures.ts';
import type { Connection, Reach } from '../http/connection.ts';
import type { Connections } from '../http/connections.ts';
import { type BodyTarget, type Exchange, type ExchangeEnd, startExchange } from '../http/exchange.ts';
import { judgeHead, redirectedRequest, requestText, type WantedRange } from '../http/rangeRequest.ts';
import type { BufferPool } from './buffers.ts';
import type { Files, TargetFile } from './files.ts';
import type { Limiter } from './limiter.ts';
import type { RangeEnd, RangeOrder, SignedRequest, WorkerLimits } from './protocol.ts';
import type { CurrentRequest, Requests } from './requests.ts';
import { createSink, type Sink } from './sink.ts';

/**
 * One range from the server to the file: as many tries as `decideRetry` grants, each going on where the one before ended. A
 * suspended range has closed its connection and given its buffer back; its checksums wait for the bytes that are missing.
 */
export interface RangeRead {
  readonly end: Promise<RangeEnd>;
  suspend(): void;
  resume(): void;
  cancel(): void;
  /** Gives up a connection on which too little comes. Asked twice a second or so. */
  watch(): void;
}

export interface RangeReaderDeps {
  readonly pool: BufferPool;
  readonly files: Files;
  readonly connections: Connections;
  readonly requests: Requests;
  readonly limiter: Limiter;
  readonly limits: WorkerLimits;
  readonly now: () => number;
  readonly progress: (slot: number, bytes: number, at: number) => void;
  /** When something came for any range. */
  readonly lastAt: () => number;
  /** Whether this worker reads one range at most. */
  readonly alone: () => boolean;
  readonly suspended: (id: number) => void;
  readonly again: (failure: Failure) => void;
  readonly slowDown: () => void;
}

const MOST_REDIRECTS = 5;
/** A range that will wait at least so long leaves its buffer to others. */
const LONG_PAUSE_MS = 100;
/**
 * Of buffers for a tmpfs over TLS: what was decrypted is still in the processor's cache when it is written. What comes without
 * TLS comes in larger reads, which smaller buffers would cut; writes to a disk are the better the larger they are.
 */
const CACHED_BUFFER = 256 * 1024;
const CANCELLED: Failure = { kind: 'cancelled', message: 'Cancelled.' };

export function startRangeRead(deps: RangeReaderDeps, order: RangeOrder): RangeRead {
  const { limits, now } = deps;
  let exchange: Exchange | undefined;
  let wake: () => void = () => undefined;
  let suspension: PromiseWithResolvers<void> | undefined;
  let cancelled = false;
  let position = 0;
  let window = { since: now(), position };
  let slowMoves = 0;
  let secure = false;

  const stopped = (): boolean => cancelled || suspension !== undefined;

  function interrupt(): void {
    exchange?.abort(CANCELLED);
    wake();
  }

  async function sleep(ms: number): Promise<void> {
    if (ms <= 0 || stopped()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    wake = resolve;
    await promise;
    clearTimeout(timer);
  }

  async function run(): Promise<RangeEnd> {
    let file: TargetFile;
    try {
      file = await deps.files.open(order.path);
    } catch (error) {
      return failed(diskFailure(error), false);
    }
    const wanted = 'exactly' in order.bytes ? order.bytes.exactly : undefined;
    const mostBuffer = () => (secure && file.inMemory ? CACHED_BUFFER : undefined);
    const sink = createSink({ pool: deps.pool, file, offset: order.offset, wanted, sha256: order.sha256, mostBuffer });
    try {
      return await readInto(sink);
    } catch (error) {
      return failed(diskFailure(error), false);
    } finally {
      await sink.flush().catch(() => undefined);
      await file.close();
    }
  }

  async function readInto(sink: Sink): Promise<RangeEnd> {
    for (let counts = NO_RETRIES; ; ) {
      if (suspension !== undefined) await waitOut(sink, suspension);
      if (cancelled) return failed(CANCELLED, false);
      // What cannot be asked for by range begins again.
      if ('atMost' in order.bytes && sink.position > 0) await sink.restart();
      const before = sink.position;
      const current = await deps.requests.current(order.source);
      if ('kind' in current) return failed(current, false);
      const failure = await attempt(sink, current);
      if (sink.error() !== undefined) throw sink.error();
      if (failure === undefined) {
        await sink.flush();
        return { outcome: 'read', bytes: sink.position, ...sink.checksums() };
      }
      if (stopped()) continue;
      if (failure.kind === 'slow-down') deps.slowDown();
      const decision = decideRetry(failure, counts, sink.position - before, Math.random(), limits.retry);
      if (decision.is === 'give-up') return failed(failure, decision.retryable);
      counts = decision.counts;
      slowMoves = counts.slowMoves;
      deps.again(failure);
      if (decision.is === 'again' && decision.afterMs >= LONG_PAUSE_MS) await sink.flush();
      if (decision.is === 'renew') deps.requests.renew(order.source, current.generation, failure.region);
      else await sleep(decision.afterMs);
    }
  }

  async function waitOut(sink: Sink, { promise }: PromiseWithResolvers<void>): Promise<void> {
    await sink.flush();
    deps.suspended(order.id);
    await promise;
  }

  /** Reads until the range is complete or something goes wrong. */
  async function attempt(sink: Sink, current: CurrentRequest): Promise<Failure | undefined> {
    let { request } = current;
    let fresh = false;
    for (let hops = 0; hops <= MOST_REDIRECTS; ) {
      if (stopped()) return CANCELLED;
      if (sink.wanted !== undefined && sink.position === sink.wanted) return undefined;
      const { end, stale, by } = await exchangeOnce(sink, request, fresh);
      switch (end.is) {
        case 'complete':
          if (sink.wanted === undefined || sink.position === sink.wanted) return undefined;
          return {
            kind: 'broken-off',
            message: `The body ended ${formatCount(sink.wanted - sink.position, 'byte')} early.`,
          };
        case 'failed':
          // The server had closed a kept connection: that says nothing about the request.
          if (!stale) return end.failure;
          fresh = true;
          break;
        case 'redirect': {
          hops += 1;
          const next = redirectedRequest(request, end.location, by);
          if ('kind' in next) return next;
          request = next;
          deps.requests.redirected(order.source, current.generation, request);
        }
      }
    }
    return { kind: 'redirects', message: `More than ${MOST_REDIRECTS} redirects in a row.` };
  }

  async function exchangeOnce(
    sink: Sink,
    request: SignedRequest,
    fresh: boolean,
  ): Promise<{ readonly end: ExchangeEnd; readonly stale: boolean; readonly by: Reach }> {
    const url = new URL(request.origin);
    secure = url.protocol === 'https:';
    const wanted = wantedRange(order, sink.position);
    const text = requestText(request, wanted, order.identity, deps.connections.plainProxy(url));
    const connection = deps.connections.take(url, fresh, request.reach);
    const reused = connection.reused;
    position = sink.position;
    window = { since: now(), position };
    let by: Reach = 'any';
    const onHead: Parameters<typeof startExchange>[0]['onHead'] = (head) => {
      if (connection.isPublic) by = 'public';
      return judgeHead(head, wanted, order.identity);
    };
    const keep = (kept: Connection) => deps.connections.give(kept);
    const running = startExchange({ connection, onHead, target: targetOf(sink), keep, now }, text);
    exchange = running;
    const end = await running.end;
    exchange = undefined;
    const stale = reused && end.is === 'failed' && end.failure.kind === 'connect' && !running.answered();
    return { end, stale, by };
  }

  function targetOf(sink: Sink): BodyTarget {
    return {
      space: () => sink.space(),
      // A record of TLS fits into the memory that is read into for want of room, and mostly finds some by then; without TLS
      // that cuts what would be read at once.
      readsOn: () => secure || sink.hasRoom(),
      took(bytes, at) {
        sink.took(bytes);
        position = sink.position;
        deps.progress(order.slot, position, at);
      },
      whenRoom: (ready) => sink.whenRoom(ready),
      pauseAfter(bytes) {
        const error = sink.error();
        if (error !== undefined) return diskFailure(error);
        if ('atMost' in order.bytes && sink.position > order.bytes.atMost) {
          return { kind: 'too-large', message: `The server sent more than ${order.bytes.atMost} bytes.` };
        }
        return deps.limiter.spent(bytes);
      },
    };
  }

  /** Others went on, or there are none to compare with. The last move is kept: who is slow to answer everybody is waited for. */
  function isOddlySilent(since: number): boolean {
    return slowMoves < limits.retry.slowMoves - 1 && (deps.alone() || deps.lastAt() - since > limits.quietMs / 4);
  }

  function letGo(): void {
    suspension?.resolve();
    suspension = undefined;
  }

  return {
    end: run(),
    suspend() {
      if (stopped()) return;
      suspension = Promise.withResolvers();
      interrupt();
    },
    resume: letGo,
    cancel() {
      cancelled = true;
      interrupt();
      letGo();
    },
    watch() {
      if (exchange === undefined) return;
      const at = now();
      const silent = exchange.silentMs(at);
      if (silent > limits.stallMs) {
        exchange.abort({ kind: 'stalled', message: `Nothing came for ${Math.round(silent / 1000)} s.` });
        return;
      }
      if (silent > limits.quietMs && isOddlySilent(at - silent)) {
        const message = `Nothing came for ${Math.round(silent)} ms, unlike on other connections.`;
        exchange.abort({ kind: 'slow', message });
        return;
      }
      const ms = at - window.since;
      if (ms < limits.slowMs) return;
      const bytes = position - window.position;
      const slow = bytes < (limits.slowBytesPerSecond * ms) / 1000;
      if (slow && exchange.isReading() && !deps.limiter.limits()) {
        exchange.abort({ kind: 'slow', message: `Only ${bytes} bytes came in ${Math.round(ms / 1000)} s.` });
      }
      window = { since: at, position };
    },
  };
}

function wantedRange({ offset, bytes }: RangeOrder, position: number): WantedRange {
  return 'atMost' in bytes ? undefined : { first: offset + position, last: offset + bytes.exactly - 1 };
}

function failed(failure: Failure, retryable: boolean): RangeEnd {
  return { outcome: 'failed', failure, retryable };
}

function diskFailure(error: unknown): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'no-space' : 'disk-error';
  return { kind, message: error instanceof Error ? error.message : String(error) };
}
