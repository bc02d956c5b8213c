import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
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
  let child: ChildProcess | undefined;
  let again: NodeJS.Timeout | undefined;
  let closed = false;

  function start(): void {
    const args = [`--query-gpu=${GPU_QUERY}`, '--format=csv,noheader,nounits', `--loop=${everySeconds}`];
    const started = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    child = started;
    let absent = false;
    started.once('error', () => {
      absent = started.pid === undefined;
    });
    createInterface({ input: started.stdout }).on('line', (line) => {
      const load = line.length > 512 ? undefined : parseGpuLine(line);
      if (load === undefined || load.index >= MOST_GPUS) return;
      pauseMs = firstPauseMs;
      told.set(load.index, { load, atMs: performance.now() });
    });
    started.once('close', () => {
      if (closed || absent) return;
      again = setTimeout(start, pauseMs);
      again.unref();
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    });
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
      child?.kill();
    },
  };
}
