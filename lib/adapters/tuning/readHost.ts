import { constants } from 'node:fs';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileReading, type HostReadings, SETTINGS } from '../../tuning/index.ts';
import { type FindDevice, storeDevices } from './storeDevices.ts';

/** What is read beside the files of the settings themselves. */
const ALSO = [
  'proc/sys/net/ipv4/tcp_available_congestion_control',
  'proc/sys/vm/dirty_ratio',
  'proc/sys/vm/dirty_background_ratio',
];

/** Reads what `judgeHostSettings` judges below `root`; what cannot be read is left out. Writes nothing. */
export async function readHost(root: string, folder: string, find?: FindDevice): Promise<HostReadings> {
  const { devices, mountOptions } = await storeDevices(root, folder, find);
  const patterns = SETTINGS.flatMap(({ parts }) => parts.map(({ pattern }) => pattern));
  const files = (await Promise.all([...ALSO, ...patterns].map((pattern) => expand(root, pattern, devices)))).flat();
  const readings = await Promise.all(files.map((file) => readSetting(join(root, file))));
  return {
    files: new Map(
      files.flatMap((file, at): [string, FileReading][] => {
        const reading = readings[at];
        return reading === undefined ? [] : [[file, reading]];
      }),
    ),
    memoryBytes: await memoryBytes(root),
    swap: await swapKind(root),
    store: { devices, mountOptions },
    limits: await limitsOf(root),
    irqBalance: await runs(root, 'irqbalance'),
  };
}

async function expand(root: string, pattern: string, devices: readonly string[]): Promise<readonly string[]> {
  if (pattern.includes('{device}')) return devices.map((device) => pattern.replace('{device}', device));
  if (pattern.includes('{controller}')) {
    const controllers = devices.flatMap((device) => /^(nvme\d+)n\d+$/.exec(device)?.[1] ?? []);
    return [...new Set(controllers)].map((controller) => pattern.replace('{controller}', controller));
  }
  const [above = '', below = ''] = pattern.split('/*/');
  if (!pattern.includes('/*/')) return [pattern];
  const names = await readdir(join(root, above)).catch(() => []);
  return names.map((name) => `${above}/${name}/${below}`);
}

async function readSetting(path: string): Promise<FileReading | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const refusal: unknown = await access(path, constants.W_OK).catch((error: unknown) => error);
  if (refusal === undefined) return { text, access: 'writable' };
  const readOnly = refusal instanceof Error && 'code' in refusal && refusal.code === 'EROFS';
  return { text, access: readOnly ? 'read-only' : 'denied' };
}

async function textOf(root: string, file: string): Promise<string> {
  return readFile(join(root, file), 'utf8').catch(() => '');
}

async function memoryBytes(root: string): Promise<number> {
  const kib = /^MemTotal:\s+(\d+) kB/m.exec(await textOf(root, 'proc/meminfo'))?.[1];
  return Number(kib ?? 0) * 1024;
}

async function swapKind(root: string): Promise<HostReadings['swap']> {
  const [, ...areas] = (await textOf(root, 'proc/swaps')).trim().split('\n');
  if (areas.length === 0) return 'none';
  return areas.every((area) => /^\/dev\/zram\d/.test(area)) ? 'memory' : 'disk';
}

async function limitsOf(root: string): Promise<HostReadings['limits']> {
  const text = await textOf(root, 'proc/self/limits');
  const soft = (name: string) => {
    const value = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(text)?.[1];
    return value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value ?? 0);
  };
  return { openFiles: soft('Max open files'), lockedBytes: soft('Max locked memory') };
}

async function runs(root: string, name: string): Promise<boolean> {
  const processes = (await readdir(join(root, 'proc')).catch(() => [])).filter((entry) => /^\d+$/.test(entry));
  const names = await Promise.all(processes.map((id) => textOf(root, `proc/${id}/comm`)));
  return names.some((text) => text.trim() === name);
}
