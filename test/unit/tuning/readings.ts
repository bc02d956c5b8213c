import type { FileReading, HostReadings } from '../../../lib/tuning/index.ts';

const GIB = 1024 ** 3;

export const writable = (text: string): FileReading => ({ text: `${text}\n`, access: 'writable' });

/** A large GPU host as a distribution leaves it. */
export function stockHost(changed: Readonly<Record<string, FileReading | undefined>> = {}): HostReadings {
  const files: Record<string, FileReading | undefined> = {
    'proc/sys/net/core/rmem_max': writable('212992'),
    'proc/sys/net/ipv4/tcp_rmem': writable('4096\t131072\t6291456'),
    'proc/sys/net/ipv4/tcp_congestion_control': writable('cubic'),
    'proc/sys/net/ipv4/tcp_available_congestion_control': writable('reno cubic bbr'),
    'proc/sys/net/core/default_qdisc': writable('pfifo_fast'),
    'proc/sys/net/ipv4/tcp_slow_start_after_idle': writable('1'),
    'proc/sys/vm/dirty_background_bytes': writable('0'),
    'proc/sys/vm/dirty_background_ratio': writable('10'),
    'proc/sys/vm/dirty_bytes': writable('0'),
    'proc/sys/vm/dirty_ratio': writable('20'),
    'proc/sys/vm/swappiness': writable('60'),
    'proc/sys/vm/min_free_kbytes': writable('67584'),
    'sys/kernel/mm/transparent_hugepage/enabled': writable('always [madvise] never'),
    'sys/kernel/mm/transparent_hugepage/shmem_enabled': writable('always within_size advise [never] deny force'),
    'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': writable('powersave'),
    'sys/devices/system/cpu/cpu1/cpufreq/scaling_governor': writable('performance'),
    'sys/block/nvme0n1/queue/scheduler': writable('[mq-deadline] kyber none'),
    'sys/block/nvme0n1/queue/read_ahead_kb': writable('128'),
    'sys/block/nvme0n1/queue/nr_requests': writable('64'),
    'sys/class/nvme/nvme0/power/pm_qos_latency_tolerance_us': writable('100000'),
    ...changed,
  };
  return {
    files: new Map(
      Object.entries(files).flatMap(([file, reading]): [string, FileReading][] => (reading ? [[file, reading]] : [])),
    ),
    memoryBytes: 2048 * GIB,
    swap: 'disk',
    store: { devices: ['nvme0n1'], mountOptions: ['rw', 'relatime'] },
    limits: { openFiles: 1024, lockedBytes: 8 * 1024 ** 2 },
    irqBalance: true,
  };
}
