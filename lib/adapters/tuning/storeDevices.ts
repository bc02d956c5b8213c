import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The `major:minor` of the file system that a folder lies on. */
export type FindDevice = (folder: string) => Promise<string>;

/** Deeper stacks of mappings than this are not followed. */
const MOST_LAYERS = 8;
const DEVICE = /^[A-Za-z0-9_-][A-Za-z0-9_.!-]*$/;

/** The drives below a folder's file system, through partitions, dm and md; none where it lies on no drive. And how it is mounted. */
export async function storeDevices(
  root: string,
  folder: string,
  find: FindDevice = deviceOf,
): Promise<{ readonly devices: readonly string[]; readonly mountOptions: readonly string[] }> {
  const number = await find(folder);
  const mount = await mountOf(root, number);
  const named = mount === undefined ? undefined : /^\/dev\/(?:mapper\/)?([A-Za-z0-9_.-]+)$/.exec(mount.source)?.[1];
  // File systems with several drives have a number of their own; their mount names one of the drives.
  const above = (await blockFolder(root, `dev/block/${number}`)) ?? (await blockFolder(root, `class/block/${named}`));
  const devices = above === undefined ? [] : await drivesBelow(above, MOST_LAYERS);
  return { devices: [...new Set(devices)].toSorted(), mountOptions: mount?.options ?? [] };
}

async function deviceOf(folder: string): Promise<string> {
  const { dev } = await stat(folder, { bigint: true });
  // As glibc's gnu_dev_major and gnu_dev_minor.
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

async function blockFolder(root: string, name: string): Promise<string | undefined> {
  const found = await realpath(join(root, 'sys', name)).catch(() => undefined);
  return found !== undefined && DEVICE.test(basename(found)) ? found : undefined;
}

async function drivesBelow(block: string, layers: number): Promise<readonly string[]> {
  const isPartition = await stat(join(block, 'partition')).then(
    () => true,
    () => false,
  );
  const drive = isPartition ? dirname(block) : block;
  const slaves = layers === 0 ? [] : await readdir(join(drive, 'slaves')).catch(() => []);
  if (slaves.length === 0) return DEVICE.test(basename(drive)) ? [basename(drive)] : [];
  const below = await Promise.all(slaves.map((slave) => realpath(join(drive, 'slaves', slave))));
  return (await Promise.all(below.map((one) => drivesBelow(one, layers - 1)))).flat();
}

/** Of proc(5): `36 35 98:0 /root /mountpoint noatime … - ext4 /dev/root rw,…`; the last mount of a number counts. */
async function mountOf(root: string, number: string) {
  const lines = (await readFile(join(root, 'proc/self/mountinfo'), 'utf8').catch(() => '')).split('\n');
  const fields = lines.map((line) => line.split(' ')).findLast(([, , device]) => device === number);
  if (fields === undefined) return undefined;
  const behind = fields.indexOf('-');
  const [, source = '', superOptions = ''] = fields.slice(behind + 1);
  return { source, options: [...new Set([...(fields[5] ?? '').split(','), ...superOptions.split(',')])] };
}
