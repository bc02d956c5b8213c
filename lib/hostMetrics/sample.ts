import type { DiskLoad, HostMetrics } from '../../events/host-heartbeat/metrics.ts';
import type { VolumeName } from '../shared/ids.ts';
import { Bytes } from '../shared/units.ts';
import type { CpuCounters, DiskCounters, HostReading, NetworkCounters } from './counters.ts';

/** How loaded a machine was. */
export type HostLoad = Pick<HostMetrics, 'cpu' | 'memory' | 'pressure' | 'network' | 'disks' | 'gpus'>;
/** Over so many seconds. */
export type HostSample = HostLoad & { readonly seconds: number };

/** Two readings that are further apart say nothing about five seconds. */
const LONGEST_SECONDS = 60;

/**
 * The load between two readings. A counter that went backwards (a device that was replaced, a counter that wrapped) makes its part
 * absent in this one sample. Undefined where the readings are not in order or too far apart.
 */
export function sampleBetween(earlier: HostReading, later: HostReading): HostSample | undefined {
  const seconds = (later.atMs - earlier.atMs) / 1000;
  if (!(seconds > 0) || seconds > LONGEST_SECONDS) return undefined;
  const cpu = cpuBetween(earlier.cpu, later.cpu);
  const disks = [...later.disks].flatMap(([volume, counters]) => {
    const load = diskBetween(volume, earlier.disks.get(volume), counters, seconds);
    return load === undefined ? [] : [load];
  });
  const network = networkBetween(earlier.interfaces, later.interfaces, seconds);
  const limit = later.networkBytesPerSecond;
  return {
    seconds,
    ...(cpu === undefined ? {} : { cpu }),
    ...(later.memory === undefined ? {} : { memory: memoryOf(later.memory) }),
    ...pressureBetween(earlier, later, seconds),
    ...(network === undefined
      ? {}
      : { network: { ...network, ...(limit === undefined ? {} : { bytesPerSecondLimit: limit }) } }),
    ...(disks.length === 0 ? {} : { disks }),
    ...(later.gpus.length === 0 ? {} : { gpus: [...later.gpus] }),
  };
}

/** Idle and iowait may go backwards by themselves (proc_stat(5)). */
function cpuBetween(earlier: CpuCounters | undefined, later: CpuCounters | undefined): HostLoad['cpu'] | undefined {
  if (earlier === undefined || later === undefined) return undefined;
  const grown = (name: 'busy' | 'idle' | 'iowait' | 'stolen') => Math.max(0, later[name] - earlier[name]);
  const [busy, idle, iowait, stolen] = [grown('busy'), grown('idle'), grown('iowait'), grown('stolen')];
  const total = busy + idle + iowait + stolen;
  if (total === 0 || later.busy < earlier.busy) return undefined;
  return { busy: busy / total, iowait: iowait / total, stolen: stolen / total, processors: later.processors };
}

function memoryOf({ totalBytes, availableBytes, limitBytes }: NonNullable<HostReading['memory']>): HostLoad['memory'] {
  return {
    totalBytes: Bytes.parse(totalBytes),
    availableBytes: Bytes.parse(availableBytes),
    ...(limitBytes === undefined ? {} : { limitBytes: Bytes.parse(limitBytes) }),
  };
}

function pressureBetween(earlier: HostReading, later: HostReading, seconds: number): Pick<HostLoad, 'pressure'> {
  const shares: NonNullable<HostLoad['pressure']> = {};
  for (const resource of ['cpu', 'io', 'memory'] as const) {
    const [before, after] = [earlier.pressure[resource], later.pressure[resource]];
    if (before === undefined || after === undefined || after < before) continue;
    shares[resource] = Math.min(1, (after - before) / 1e6 / seconds);
  }
  return Object.keys(shares).length === 0 ? {} : { pressure: shares };
}

function diskBetween(
  volume: VolumeName,
  earlier: DiskCounters | undefined,
  later: DiskCounters,
  seconds: number,
): DiskLoad | undefined {
  if (earlier === undefined || wentBackwards(earlier, later)) return undefined;
  const requests = later.reads - earlier.reads + later.writes - earlier.writes;
  const waitedMs = later.readMs - earlier.readMs + later.writeMs - earlier.writeMs;
  return {
    volume,
    readBytesPerSecond: (later.readBytes - earlier.readBytes) / seconds,
    writtenBytesPerSecond: (later.writtenBytes - earlier.writtenBytes) / seconds,
    readsPerSecond: (later.reads - earlier.reads) / seconds,
    writesPerSecond: (later.writes - earlier.writes) / seconds,
    busy: Math.min(1, (later.busyMs - earlier.busyMs) / 1000 / seconds),
    ...(requests === 0 ? {} : { awaitMs: waitedMs / requests }),
    queued: (later.queuedMs - earlier.queuedMs) / 1000 / seconds,
  };
}

function wentBackwards(earlier: DiskCounters, later: DiskCounters): boolean {
  return (
    later.reads < earlier.reads ||
    later.readBytes < earlier.readBytes ||
    later.readMs < earlier.readMs ||
    later.writes < earlier.writes ||
    later.writtenBytes < earlier.writtenBytes ||
    later.writeMs < earlier.writeMs ||
    later.busyMs < earlier.busyMs ||
    later.queuedMs < earlier.queuedMs
  );
}

/** Interfaces that came, went or began anew in between do not count. */
function networkBetween(
  earlier: HostReading['interfaces'],
  later: HostReading['interfaces'],
  seconds: number,
): HostLoad['network'] | undefined {
  const pairs = [...later].flatMap(([name, after]) => {
    const before = earlier.get(name);
    const names = ['receivedBytes', 'sentBytes', 'errors', 'dropped'] as const;
    return before === undefined || names.some((one) => after[one] < before[one]) ? [] : [{ before, after }];
  });
  if (pairs.length === 0) return undefined;
  const grown = (name: keyof NetworkCounters) =>
    pairs.reduce((sum, { before, after }) => sum + after[name] - before[name], 0);
  return {
    receivedBytesPerSecond: grown('receivedBytes') / seconds,
    sentBytesPerSecond: grown('sentBytes') / seconds,
    errors: grown('errors'),
    dropped: grown('dropped'),
  };
}
