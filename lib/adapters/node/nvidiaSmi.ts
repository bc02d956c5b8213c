import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { GpuLoad } from '../../../events/host-heartbeat/metrics.ts';
import { GPU_QUERY, parseGpuLine } from '../../hostMetrics/index.ts';

export interface GpuReadings {
  /** What the GPUs last told; of one that has told nothing for a while, nothing. */
  read(): readonly GpuLoad[];
  close(): void;
}

export interface NvidiaSmi {
  readonly command: string;
  readonly everySeconds: number;
  readonly firstPauseMs: number;
}

const DEFAULTS: NvidiaSmi = { command: 'nvidia-smi', everySeconds: 5, firstPauseMs: 60_000 };
const LONGEST_PAUSE_MS = 3_600_000;
const MOST_GPUS = 16;

/**
 * One `nvidia-smi` that goes on telling: absent (there is none: for good) · running · ended → started again after a pause that
 * doubles. Whatever becomes of this process, it ends with the next line that nobody reads.
 */
export function startNvidiaSmi(overrides: Partial<NvidiaSmi> = {}): GpuReadings {
  const { command, everySeconds, firstPauseMs } = { ...DEFAULTS, ...overrides };
  const told = new Map<number, { readonly load: GpuLoad; readonly atMs: number }>();
  let pauseMs = firstPauseMs;
  let child: ChildProcessByStdio<null, Readable, null> | undefined;
  let again: NodeJS.Timeout | undefined;
  let closed = false;

  function start(): void {
    const args = [`--query-gpu=${GPU_QUERY}`, '--format=csv,noheader,nounits', `--loop=${everySeconds}`];
    let started: ChildProcessByStdio<null, Readable, null>;
    try {
      started = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      // Out of memory for another process, as one of the errors that are thrown at once.
      startLater();
      return;
    }
    child = started;
    // Only what was started has an output: of one that failed for want of file descriptors there is none.
    started.once('spawn', () => createInterface({ input: started.stdout }).on('line', take));
    let ended = false;
    const end = (error?: unknown) => {
      if (!ended && !isAbsent(error)) startLater();
      ended = true;
    };
    started.on('error', (error) => {
      if (started.pid === undefined) end(error);
    });
    started.once('close', () => end());
  }

  function take(line: string): void {
    const load = line.length > 512 ? undefined : parseGpuLine(line);
    if (load === undefined || load.index >= MOST_GPUS) return;
    pauseMs = firstPauseMs;
    told.set(load.index, { load, atMs: performance.now() });
  }

  function startLater(): void {
    if (closed) return;
    again = setTimeout(start, pauseMs);
    again.unref();
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }

  start();
  return {
    read() {
      const oldest = performance.now() - 3000 * everySeconds;
      return [...told.values()]
        .filter(({ atMs }) => atMs >= oldest)
        .map(({ load }) => load)
        .toSorted((one, other) => one.index - other.index);
    },
    close() {
      closed = true;
      clearTimeout(again);
      // It has nothing to finish; one that hangs in the driver cannot be ended, and must not keep the agent from its end.
      child?.kill('SIGKILL');
      if (child?.pid !== undefined) child.stdout.destroy();
      child?.unref();
    },
  };
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES');
}
