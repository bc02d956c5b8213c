import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createConnections } from '../http/connections.ts';
import { createAwakeClock } from './awakeClock.ts';
import { createBufferPool } from './buffers.ts';
import { createFiles } from './files.ts';
import { createLimiter } from './limiter.ts';
import type { FromWorker, ToWorker, WorkerData } from './protocol.ts';
import { type RangeRead, type RangeReaderDeps, startRangeRead } from './rangeReader.ts';
import { createRequests } from './requests.ts';

/**
 * One thread of the transfer engine: reads the ranges that it is told to, until it is closed. The main thread loads this too,
 * so that threads find it compiled.
 */
const WATCH_MS = 500;

function serve(port: MessagePort, { counters, proxies, ca, limits }: WorkerData): void {
  const now = () => performance.now();
  const awake = createAwakeClock(WATCH_MS, now);
  const progress = new Float64Array(counters);
  const post = (message: FromWorker) => port.postMessage(message);
  const requests = createRequests((source, region) => post({ is: 'renew', source, region }));
  const connections = createConnections({ proxies, ca }, now);
  const limiter = createLimiter(now);
  const reads = new Map<number, RangeRead>();
  /** By slot: when the range was ordered that has brought nothing yet. */
  const orderedAt = new Map<number, number>();
  let lastAt = awake.now();
  const deps: RangeReaderDeps = {
    pool: createBufferPool(limits.poolBytes),
    files: createFiles(),
    connections,
    requests,
    limiter,
    limits,
    now: awake.now,
    progress(slot, bytes, at) {
      progress[slot] = bytes;
      const ordered = orderedAt.get(slot);
      if (ordered !== undefined && bytes > 0) {
        orderedAt.delete(slot);
        post({ is: 'first-byte', ms: now() - ordered });
      }
      lastAt = at;
    },
    lastAt: () => lastAt,
    alone: () => reads.size <= 1,
    again: (failure) => post({ is: 'again', failure }),
    suspended: (id) => post({ is: 'suspended', id }),
    slowDown: () => post({ is: 'slow-down' }),
  };

  const watch = setInterval(() => {
    awake.round();
    for (const read of reads.values()) read.watch();
    connections.sweep();
  }, WATCH_MS);

  async function read(order: Parameters<typeof startRangeRead>[1]): Promise<void> {
    orderedAt.set(order.slot, now());
    const running = startRangeRead(deps, order);
    reads.set(order.id, running);
    deps.pool.shareAmong(reads.size);
    const end = await running.end;
    reads.delete(order.id);
    orderedAt.delete(order.slot);
    deps.pool.shareAmong(reads.size);
    post({ is: 'ended', id: order.id, end });
  }

  port.on('message', (message: ToWorker) => {
    switch (message.is) {
      case 'read':
        void read(message.order);
        return;
      case 'suspend':
        reads.get(message.id)?.suspend();
        return;
      case 'resume':
        reads.get(message.id)?.resume();
        return;
      case 'cancel':
        reads.get(message.id)?.cancel();
        return;
      case 'request':
        requests.answered(message.source, message.request);
        return;
      case 'forget':
        requests.forget(message.source);
        return;
      case 'rate':
        limiter.set(message.bytesPerSecond);
        return;
      case 'close':
        clearInterval(watch);
        connections.close();
        port.close();
    }
  });
}

/** The process may run as a thread of somebody else's itself. */
function isOurs(data: unknown): data is WorkerData {
  return typeof data === 'object' && data !== null && 'counters' in data && data.counters instanceof SharedArrayBuffer;
}

if (parentPort !== null && isOurs(workerData)) serve(parentPort, workerData);
