import type { DiskLoad, GpuLoad, HostMetrics } from '../../events/host-heartbeat/metrics.ts';
import type { HostSample } from '../../lib/hostMetrics/index.ts';
import { type Family, gauge, type Point } from '../../lib/shared/metricsText.ts';

/** How loaded the host is, of the last sample: five seconds. */
export function hostFamilies(sample: HostSample | undefined): readonly Family[] {
  if (sample === undefined) return [];
  const { cpu, memory, pressure, network, disks = [], gpus = [] } = sample;
  return [
    one('strata_host_cpu_busy_ratio', 'Share of the time of all processors.', cpu?.busy),
    one('strata_host_cpu_iowait_ratio', 'Share in which they were idle and a disk was waited for.', cpu?.iowait),
    one('strata_host_cpu_stolen_ratio', 'Share that the hypervisor gave to others.', cpu?.stolen),
    one('strata_host_cpus', 'Processors.', cpu?.processors),
    one('strata_host_memory_bytes', 'Memory of the machine.', memory?.totalBytes),
    one('strata_host_memory_limit_bytes', 'Of the cgroup, where it is tighter.', memory?.limitBytes),
    one('strata_host_memory_available_bytes', 'What processes could still take.', memory?.availableBytes),
    gauge(
      'strata_host_pressure_ratio',
      'Share of the time in which some task waited for it (PSI).',
      pressures(pressure),
    ),
    one('strata_host_network_received_bytes_per_second', 'All interfaces.', network?.receivedBytesPerSecond),
    one('strata_host_network_sent_bytes_per_second', 'All interfaces.', network?.sentBytesPerSecond),
    one('strata_host_network_limit_bytes_per_second', 'Speed of the line, where known.', network?.bytesPerSecondLimit),
    one('strata_host_network_errors', 'Errors in the last sample.', network?.errors),
    one('strata_host_network_dropped', 'Packets dropped in the last sample.', network?.dropped),
    ...DISK_FAMILIES.map(([name, help, member]) =>
      gauge(
        name,
        help,
        disks.flatMap((disk) => point({ volume: disk.volume }, disk[member])),
      ),
    ),
    ...GPU_FAMILIES.map(([name, help, member]) =>
      gauge(
        name,
        help,
        gpus.flatMap((gpu) => point({ gpu: String(gpu.index), name: gpu.name }, gpu[member])),
      ),
    ),
  ];
}

type DiskNumber = Exclude<keyof DiskLoad, 'volume' | 'awaitMs'>;
const DISK_FAMILIES: readonly (readonly [name: string, help: string, member: DiskNumber | 'awaitMs'])[] = [
  ['strata_host_disk_read_bytes_per_second', 'By the device of a volume.', 'readBytesPerSecond'],
  ['strata_host_disk_written_bytes_per_second', 'By the device of a volume.', 'writtenBytesPerSecond'],
  ['strata_host_disk_reads_per_second', 'By the device of a volume.', 'readsPerSecond'],
  ['strata_host_disk_writes_per_second', 'By the device of a volume.', 'writesPerSecond'],
  ['strata_host_disk_busy_ratio', 'Share of the time in which a request was in flight.', 'busy'],
  ['strata_host_disk_await_milliseconds', 'Mean time of a request, queueing included.', 'awaitMs'],
  ['strata_host_disk_queued', 'Requests in flight, on average.', 'queued'],
];

const GPU_FAMILIES: readonly (readonly [
  name: string,
  help: string,
  member: Exclude<keyof GpuLoad, 'index' | 'name'>,
])[] = [
  ['strata_host_gpu_busy_ratio', 'Share of the time in which a kernel ran.', 'busy'],
  ['strata_host_gpu_memory_used_bytes', 'Memory that is taken.', 'memoryUsedBytes'],
  ['strata_host_gpu_memory_bytes', 'Memory of the GPU.', 'memoryTotalBytes'],
  ['strata_host_gpu_celsius', 'Its temperature.', 'celsius'],
  ['strata_host_gpu_watts', 'Its power.', 'watts'],
];

function pressures(pressure: HostMetrics['pressure'] = {}): Point[] {
  return (['cpu', 'io', 'memory'] as const).flatMap((resource) => point({ resource }, pressure[resource]));
}

function one(name: string, help: string, value: number | undefined): Family {
  return gauge(name, help, point({}, value));
}

function point(labels: Readonly<Record<string, string>>, value: number | undefined): Point[] {
  return value === undefined ? [] : [{ labels, value }];
}
