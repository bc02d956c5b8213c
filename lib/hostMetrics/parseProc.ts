import type { CpuCounters, DiskCounters, MemoryReading, NetworkCounters } from './counters.ts';

/*
 * The texts of Linux's /proc, as its documentation has them: proc_stat(5), proc_meminfo(5), Documentation/admin-guide/iostats.rst,
 * Documentation/accounting/psi.rst. What does not look as documented is as if it were absent.
 */

/** A sector of /proc/diskstats, whatever the device's own. */
const SECTOR_BYTES = 512;

/** `/proc/stat`. The time of guests is in that of users already. */
export function parseStat(text: string): CpuCounters | undefined {
  const fields = numbers(/^cpu +([\d ]+)$/m.exec(text)?.[1]);
  const [user, nice, system, idle, iowait, irq = 0, softirq = 0, stolen = 0] = fields ?? [];
  if (user === undefined || nice === undefined || system === undefined) return undefined;
  if (idle === undefined || iowait === undefined) return undefined;
  const processors = text.match(/^cpu\d+ /gm)?.length ?? 0;
  return { busy: user + nice + system + irq + softirq, idle, iowait, stolen, processors };
}

/** `/proc/meminfo`; its kB are KiB. */
export function parseMeminfo(text: string): MemoryReading | undefined {
  const bytesOf = (name: string) => {
    const kib = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  };
  const totalBytes = bytesOf('MemTotal');
  const availableBytes = bytesOf('MemAvailable');
  if (totalBytes === undefined || availableBytes === undefined) return undefined;
  return { totalBytes, availableBytes };
}

/** `/proc/diskstats`, by `major:minor`. */
export function parseDiskstats(text: string): ReadonlyMap<string, DiskCounters> {
  const devices = new Map<string, DiskCounters>();
  for (const line of text.split('\n')) {
    const [, device, rest] = /^ *(\d+ +\d+) \S+ ([\d ]+)$/.exec(line) ?? [];
    const fields = numbers(rest);
    if (device === undefined || fields === undefined || fields.length < 11) continue;
    const [reads = 0, , sectorsRead = 0, readMs = 0, writes = 0, , sectorsWritten = 0, writeMs = 0, , busyMs = 0] =
      fields;
    devices.set(device.replace(/ +/, ':'), {
      reads,
      readBytes: sectorsRead * SECTOR_BYTES,
      readMs,
      writes,
      writtenBytes: sectorsWritten * SECTOR_BYTES,
      writeMs,
      busyMs,
      queuedMs: fields[10] ?? 0,
    });
  }
  return devices;
}

/** `/proc/net/dev`, by interface. */
export function parseNetDev(text: string): ReadonlyMap<string, NetworkCounters> {
  const interfaces = new Map<string, NetworkCounters>();
  for (const line of text.split('\n')) {
    const [, name, rest] = /^ *([^\s|]+): *([\d ]+)$/.exec(line) ?? [];
    const fields = numbers(rest);
    if (name === undefined || fields === undefined || fields.length < 16) continue;
    const [receivedBytes = 0, , receiveErrors = 0, receiveDrops = 0] = fields;
    const [sentBytes = 0, , sendErrors = 0, sendDrops = 0] = fields.slice(8);
    interfaces.set(name, {
      receivedBytes,
      sentBytes,
      errors: receiveErrors + sendErrors,
      dropped: receiveDrops + sendDrops,
    });
  }
  return interfaces;
}

/** A file of `/proc/pressure`: microseconds in which some task waited. */
export function parsePressure(text: string): number | undefined {
  const total = /^some .*\btotal=(\d+)$/m.exec(text)?.[1];
  return total === undefined ? undefined : Number(total);
}

/** The device number that `stat` answers, as `/proc/diskstats` writes it (glibc's `gnu_dev_makedev`). */
export function deviceOf(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}

/** What the machine is reached by: its physical interfaces; in a container, which has none, all but the loopback. */
export function chooseInterfaces(names: readonly string[], physical: ReadonlySet<string>): readonly string[] {
  const real = names.filter((name) => physical.has(name));
  return real.length > 0 ? real : names.filter((name) => name !== 'lo');
}

function numbers(text: string | undefined): readonly number[] | undefined {
  const values = text?.trim().split(/ +/).map(Number);
  return values?.every(Number.isSafeInteger) ? values : undefined;
}
