import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  chooseInterfaces,
  deviceOf,
  type HostReading,
  type HostReadings,
  parseDiskstats,
  parseMeminfo,
  parseNetDev,
  parsePressure,
  parseStat,
} from '../../hostMetrics/index.ts';
import type { VolumeName } from '../../shared/ids.ts';
import { cgroupMemory } from './cgroupMemory.ts';
import type { GpuReadings } from './nvidiaSmi.ts';

export interface ProcPaths {
  readonly proc: string;
  /** `/sys/class/net`. */
  readonly interfaces: string;
}

const LINUX: ProcPaths = { proc: '/proc', interfaces: '/sys/class/net' };
/** Interfaces and mounts seldom change. */
const LOOK_AGAIN_MS = 60_000;

interface Hardware {
  readonly devices: ReadonlyMap<VolumeName, string>;
  readonly interfaces: readonly string[];
  readonly bytesPerSecond: number | undefined;
}

/** Reads Linux's counters: some ten small files of the kernel's, none of which waits for a device. */
export function createProcReadings(
  volumes: ReadonlyMap<VolumeName, string>,
  gpus: GpuReadings,
  paths: ProcPaths = LINUX,
): HostReadings {
  let hardware: (Hardware & { readonly atMs: number }) | undefined;

  async function look(network: ReadonlyMap<string, unknown>): Promise<Hardware> {
    const now = performance.now();
    if (hardware !== undefined && now - hardware.atMs < LOOK_AGAIN_MS) return hardware;
    const devices = new Map<VolumeName, string>();
    for (const [name, folder] of volumes) {
      const found = await stat(folder, { bigint: true }).catch(() => undefined);
      if (found !== undefined) devices.set(name, deviceOf(found.dev));
    }
    const interfaces = await interfacesOf([...network.keys()]);
    hardware = { devices, interfaces, bytesPerSecond: await speedOf(interfaces), atMs: now };
    return hardware;
  }

  async function interfacesOf(names: readonly string[]): Promise<readonly string[]> {
    const physical = new Set<string>();
    for (const name of names) {
      const device = await stat(join(paths.interfaces, name, 'device')).catch(() => undefined);
      if (device !== undefined) physical.add(name);
    }
    return chooseInterfaces(names, physical);
  }

  /** Megabits a second; virtual devices answer -1 or an error. */
  async function speedOf(interfaces: readonly string[]): Promise<number | undefined> {
    let sum = 0;
    for (const name of interfaces) {
      const megabits = Number.parseInt(await textOf(join(paths.interfaces, name, 'speed')), 10);
      if (!(megabits > 0)) return undefined;
      sum += megabits * 125_000;
    }
    return sum > 0 ? sum : undefined;
  }

  async function memory(): Promise<HostReading['memory']> {
    const machine = parseMeminfo(await textOf(join(paths.proc, 'meminfo')));
    const group = await cgroupMemory();
    if (machine === undefined || group === undefined || group.limitBytes >= machine.totalBytes) return machine;
    const availableBytes = Math.min(machine.availableBytes, group.availableBytes);
    return { ...machine, availableBytes, limitBytes: group.limitBytes };
  }

  return {
    async read() {
      const pressureOf = async (name: string) => parsePressure(await textOf(join(paths.proc, 'pressure', name)));
      const [stats, diskstats, netDev, cpuPressure, ioPressure, memoryPressure, memoryNow] = await Promise.all([
        textOf(join(paths.proc, 'stat')),
        textOf(join(paths.proc, 'diskstats')),
        textOf(join(paths.proc, 'net', 'dev')),
        pressureOf('cpu'),
        pressureOf('io'),
        pressureOf('memory'),
        memory(),
      ]);
      const atMs = performance.now();
      const network = parseNetDev(netDev);
      const { devices, interfaces, bytesPerSecond } = await look(network);
      const counters = parseDiskstats(diskstats);
      const disks: [VolumeName, NonNullable<ReturnType<typeof counters.get>>][] = [];
      for (const [name, device] of devices) {
        const found = counters.get(device);
        if (found !== undefined) disks.push([name, found]);
      }
      return {
        atMs,
        cpu: parseStat(stats),
        memory: memoryNow,
        pressure: {
          ...(cpuPressure === undefined ? {} : { cpu: cpuPressure }),
          ...(ioPressure === undefined ? {} : { io: ioPressure }),
          ...(memoryPressure === undefined ? {} : { memory: memoryPressure }),
        },
        interfaces: new Map([...network].filter(([name]) => interfaces.includes(name))),
        networkBytesPerSecond: bytesPerSecond,
        disks: new Map(disks),
        gpus: gpus.read(),
      };
    },
    close: () => gpus.close(),
  };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}
