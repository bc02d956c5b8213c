import { flushCompileCache } from 'node:module';
import { Worker } from 'node:worker_threads';
import './worker/main.ts';
import type { FromWorker, RangeOrder, ToWorker, WorkerData } from './worker/protocol.ts';

/** One worker thread as the main thread sees it. It keeps the process alive only while it has ranges. */
export interface EngineThread {
  readonly running: number;
  /** Starts a range and answers how to ask for its bytes so far. */
  read(order: Omit<RangeOrder, 'slot'>): () => number;
  /** Once a range has ended: its counter is free again. */
  ended(id: number): void;
  send(message: ToWorker): void;
  close(): Promise<void>;
}

const MOST_SLOTS = 1024;
/** The views that each read leaves behind are small: a young generation of the usual 48 MB would only fill with them. */
const HEAP = { maxYoungGenerationSizeMb: 3 };

export function startThread(
  data: Omit<WorkerData, 'counters'>,
  heard: (message: FromWorker) => void,
  lost: (error: Error) => void,
): EngineThread {
  const shared = new SharedArrayBuffer(MOST_SLOTS * Float64Array.BYTES_PER_ELEMENT);
  const counters = new Float64Array(shared);
  const freeSlots = Array.from({ length: MOST_SLOTS }, (_, at) => at);
  const slots = new Map<number, number>();
  const workerData: WorkerData = { ...data, counters: shared };
  // Compiled once and not once in each thread: Node's reader of TypeScript alone takes 15 MB of each.
  flushCompileCache();
  const worker = new Worker(new URL('worker/main.ts', import.meta.url), { workerData, resourceLimits: HEAP });
  worker.on('message', heard);
  worker.once('error', lost);
  worker.once('exit', () => lost(new Error('The thread ended.')));
  worker.unref();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  const send = (message: ToWorker) => worker.postMessage(message);

  return {
    get running() {
      return slots.size;
    },
    read(order) {
      const slot = freeSlots.pop();
      if (slot === undefined) throw new RangeError(`A thread reads at most ${MOST_SLOTS} ranges.`);
      slots.set(order.id, slot);
      counters[slot] = 0;
      if (slots.size === 1) worker.ref();
      send({ is: 'read', order: { ...order, slot } });
      return () => counters[slot] ?? 0;
    },
    ended(id) {
      const slot = slots.get(id);
      if (slot === undefined) return;
      slots.delete(id);
      freeSlots.push(slot);
      if (slots.size === 0) worker.unref();
    },
    send,
    close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      worker.once('exit', () => resolve());
      worker.ref();
      send({ is: 'close' });
      return promise;
    },
  };
}
