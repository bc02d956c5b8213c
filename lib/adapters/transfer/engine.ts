import { errorText } from '../../shared/errors.ts';
import { adaptSockets, firstSockets, type SocketBounds, type SocketCount } from './adaptSockets.ts';
import { askForRights } from './askForRights.ts';
import { ENGINE_DEFAULTS, type EngineConfig } from './engineConfig.ts';
import { type EngineThread, startThread } from './engineThread.ts';
import type { Failure } from './failures.ts';
import { createRangeQueue, type QueuedRange } from './rangeQueue.ts';
import type { FromWorker, Identity, RangeEnd, RangeOrder, SignedRequest } from './worker/protocol.ts';

export interface RangeSource {
  readonly identity: Identity;
  /** Whether it is read over TLS, where that is known before it is signed; else taken for what was signed last. */
  readonly tls?: boolean;
  /** A request for the object with rights that hold for a while; asked for again when the server no longer takes it. */
  sign(region: string | undefined): Promise<SignedRequest | Failure>;
}

export interface RangeRequest {
  readonly source: RangeSource;
  /** Of an existing file, absolute and without links. */
  readonly path: string;
  readonly offset: number;
  readonly bytes: RangeOrder['bytes'];
  /** CRC-32C is always computed. */
  readonly sha256: boolean;
  /** Lower comes first, and makes higher ones wait that are being read. Looked at anew whenever any range begins or ends. */
  readonly priority: number;
}

export interface RunningRange {
  /** Never rejects. */
  readonly end: Promise<RangeEnd>;
  bytesSoFar(): number;
  cancel(): void;
}

/**
 * Reads ranges of objects into files, in worker threads: idle → working → closed. Threads start with the first ranges, or
 * when they are prepared, and stay; while no range is there they keep no process alive.
 */
export interface TransferEngine {
  /** Starts the threads ahead of the first range: a thread takes as long as asking a server what it has. */
  prepare(): void;
  read(request: RangeRequest): RunningRange;
  /** Connections that it would use now. */
  sockets(): number;
  /** Ranges that are still running end as cancelled. */
  close(): Promise<void>;
}

const SAMPLE_MS = 1000;

interface Range extends QueuedRange {
  readonly request: RangeRequest;
  readonly ended: PromiseWithResolvers<RangeEnd>;
  thread: EngineThread | undefined;
  bytesSoFar: () => number;
}

/** A source while ranges of it are there, under the number that threads know it by. */
interface KnownSource {
  readonly id: number;
  readonly source: RangeSource;
  tls: boolean | undefined;
  ranges: number;
}

const CANCELLED: RangeEnd = {
  outcome: 'failed',
  failure: { kind: 'cancelled', message: 'Cancelled.' },
  retryable: false,
};

export function createTransferEngine(overrides: Partial<EngineConfig> = {}): TransferEngine {
  const config = { ...ENGINE_DEFAULTS, ...overrides };
  const threads = new Set<EngineThread>();
  const ranges = new Map<number, Range>();
  const sources = new Map<RangeSource, KnownSource>();
  const queue = createRangeQueue<Range>({
    start,
    suspend: ({ id, thread }) => thread?.send({ is: 'suspend', id }),
    resume: ({ id, thread }) => thread?.send({ is: 'resume', id }),
  });
  let count: SocketCount = firstSockets(config.sockets);
  /** Whether what was signed last is read over TLS. */
  let lastTls = false;
  let slowDown = false;
  let bytesOfEnded = 0;
  let bytesAtSample = 0;
  let sampling: NodeJS.Timeout | undefined;
  let nextId = 0;
  let closed = false;

  function newThread(): EngineThread {
    const { proxies, ca, stallMs, quietMs, slowBytesPerSecond, slowMs, retry } = config;
    const poolBytes = config.poolBytes / config.workers.plain;
    const limits = { poolBytes, stallMs, quietMs, slowBytesPerSecond, slowMs, retry };
    const thread = startThread(
      { proxies, ca, limits },
      (message) => heard(thread, message),
      (error) => lost(thread, error),
    );
    thread.send({ is: 'rate', bytesPerSecond: config.bytesPerSecond / config.workers.plain });
    threads.add(thread);
    return thread;
  }

  function bounds(): SocketBounds {
    const { first, most, mostTls } = config.sockets;
    const overTls = [...sources.values()].some(({ tls = lastTls }) => tls);
    return { first, most: overTls ? Math.min(most, mostTls) : most };
  }

  /** As many as were found to pay, but no more than what is read now may have. */
  function limitRanges(): void {
    queue.limit(Math.min(count.sockets, bounds().most));
  }

  function workersFor(tls = lastTls): number {
    return tls && config.bytesPerSecond === Number.POSITIVE_INFINITY ? config.workers.tls : config.workers.plain;
  }

  /** The thread with the fewest ranges; all that the source may have are started before one gets a second range. */
  function leastBusy({ tls }: KnownSource): EngineThread {
    const workers = workersFor(tls);
    if (threads.size < workers) return newThread();
    return [...threads].slice(0, workers).reduce((least, one) => (one.running < least.running ? one : least));
  }

  function start(range: Range): void {
    const { source, path, offset, bytes, sha256 } = range.request;
    const from = known(source);
    const thread = leastBusy(from);
    range.thread = thread;
    const order = { id: range.id, source: from.id, identity: source.identity, path, offset, bytes, sha256 };
    range.bytesSoFar = thread.read(order);
  }

  function known(source: RangeSource): KnownSource {
    const found = sources.get(source) ?? { id: nextId++, source, tls: source.tls, ranges: 0 };
    sources.set(source, found);
    return found;
  }

  function end(range: Range, ending: RangeEnd): void {
    if (!ranges.delete(range.id)) return;
    const bytes = range.bytesSoFar();
    range.bytesSoFar = () => bytes;
    bytesOfEnded += bytes;
    range.thread?.ended(range.id);
    range.thread = undefined;
    forget(range.request.source);
    if (ranges.size === 0) stopSampling();
    range.ended.resolve(ending);
    queue.ended(range);
  }

  function forget(source: RangeSource): void {
    const found = known(source);
    found.ranges -= 1;
    if (found.ranges > 0) return;
    sources.delete(source);
    for (const thread of threads) thread.send({ is: 'forget', source: found.id });
  }

  function heard(thread: EngineThread, message: FromWorker): void {
    switch (message.is) {
      case 'ended': {
        const range = ranges.get(message.id);
        if (range !== undefined) end(range, message.end);
        return;
      }
      case 'suspended': {
        const range = ranges.get(message.id);
        if (range !== undefined) queue.suspended(range);
        return;
      }
      case 'again':
        config.onAgain(message.failure);
        return;
      case 'first-byte':
        config.onFirstByte(message.ms);
        return;
      case 'slow-down':
        slowDown = true;
        return;
      case 'renew':
        void sign(thread, message.source, message.region);
    }
  }

  async function sign(thread: EngineThread, id: number, region: string | undefined): Promise<void> {
    const found = [...sources.values()].find((one) => one.id === id);
    if (found === undefined) return;
    const request = await askForRights(() => found.source.sign(region), config.signMs);
    if ('origin' in request) {
      lastTls = request.origin.startsWith('https:');
      found.tls = lastTls;
      limitRanges();
    }
    thread.send({ is: 'request', source: id, request });
  }

  /** A thread that dies takes no transfer with it for good: its ranges fail as ones that may be tried again. */
  function lost(thread: EngineThread, error: Error): void {
    threads.delete(thread);
    const failure: Failure = { kind: 'broken-off', message: `A transfer thread ended: ${errorText(error)}` };
    for (const range of [...ranges.values()].filter((one) => one.thread === thread)) {
      end(range, closed ? CANCELLED : { outcome: 'failed', failure, retryable: true });
    }
  }

  function sample(): void {
    const bytes = [...ranges.values()].reduce((sum, range) => sum + range.bytesSoFar(), bytesOfEnded);
    const bytesPerSecond = ((bytes - bytesAtSample) * 1000) / SAMPLE_MS;
    bytesAtSample = bytes;
    count = adaptSockets(count, { bytesPerSecond, busy: queue.waiting() > 0, slowDown }, bounds());
    slowDown = false;
    limitRanges();
  }

  function stopSampling(): void {
    clearInterval(sampling);
    sampling = undefined;
  }

  function cancel(range: Range): void {
    if (range.thread === undefined) end(range, CANCELLED);
    else range.thread.send({ is: 'cancel', id: range.id });
  }

  limitRanges();
  return {
    prepare() {
      if (closed) return;
      while (threads.size < workersFor()) newThread();
    },
    read(request) {
      const ended = Promise.withResolvers<RangeEnd>();
      const range: Range = {
        id: nextId++,
        get priority() {
          return request.priority;
        },
        request,
        ended,
        thread: undefined,
        bytesSoFar: () => 0,
      };
      if (closed) ended.resolve(CANCELLED);
      else {
        known(request.source).ranges += 1;
        ranges.set(range.id, range);
        limitRanges();
        sampling ??= setInterval(sample, SAMPLE_MS).unref();
        queue.add(range);
      }
      return { end: ended.promise, bytesSoFar: () => range.bytesSoFar(), cancel: () => cancel(range) };
    },
    sockets: () => Math.min(count.sockets, bounds().most),
    async close() {
      closed = true;
      stopSampling();
      const running = [...ranges.values()];
      for (const range of running) cancel(range);
      await Promise.all(running.map(({ ended }) => ended.promise));
      await Promise.all([...threads].map((thread) => thread.close()));
    },
  };
}
