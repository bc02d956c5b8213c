import type { GpuLoad } from '../../events/host-heartbeat/metrics.ts';
import type { VolumeName } from '../shared/ids.ts';

/** Time of all processors together since boot, in ticks. */
export interface CpuCounters {
  readonly busy: number;
  readonly idle: number;
  readonly iowait: number;
  readonly stolen: number;
  readonly processors: number;
}

export interface MemoryReading {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/** Of one block device since boot. */
export interface DiskCounters {
  readonly reads: number;
  readonly readBytes: number;
  readonly readMs: number;
  readonly writes: number;
  readonly writtenBytes: number;
  readonly writeMs: number;
  /** Milliseconds in which at least one request was in flight. */
  readonly busyMs: number;
  /** The same, times the requests in flight. */
  readonly queuedMs: number;
}

/** Of one interface since it came up. */
export interface NetworkCounters {
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly errors: number;
  readonly dropped: number;
}

/** Microseconds since boot in which some task waited (PSI `some`, `total`). */
export type PressureCounters = Readonly<Partial<Record<'cpu' | 'io' | 'memory', number>>>;

/** What was read of a machine at one moment. What it does not tell is absent. */
export interface HostReading {
  /** By a clock that never jumps and stands still while the machine sleeps, as the counters do. */
  readonly atMs: number;
  readonly cpu?: CpuCounters | undefined;
  readonly memory?: (MemoryReading & { readonly limitBytes?: number }) | undefined;
  readonly pressure: PressureCounters;
  readonly interfaces: ReadonlyMap<string, NetworkCounters>;
  /** Of the interfaces together; absent where one does not tell its speed. */
  readonly networkBytesPerSecond?: number | undefined;
  readonly disks: ReadonlyMap<VolumeName, DiskCounters>;
  readonly gpus: readonly GpuLoad[];
}

/** Reads the counters of the machine. Never rejects: what cannot be read is absent. */
export interface HostReadings {
  read(): Promise<HostReading>;
  close(): void;
}
