import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stockHost } from './readings.ts';

/** A folder that looks like the root of a stock host whose store lies on a partition, below dm, of nvme0n1: device 253:0. */
export async function makeHostFolder(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'strata-tune-'));
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  };
  const drive = 'sys/devices/pci/nvme/nvme0/nvme0n1';
  for (const [file, { text }] of stockHost().files) await write(file.replace('sys/block/nvme0n1', drive), text);
  await write(`${drive}/nvme0n1p1/partition`, '1\n');
  await write('sys/devices/virtual/block/dm-0/queue/scheduler', 'none\n');
  for (const folder of ['sys/block', 'sys/dev/block', 'sys/devices/virtual/block/dm-0/slaves']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await symlink(join(root, drive), join(root, 'sys/block/nvme0n1'));
  await symlink(join(root, drive, 'nvme0n1p1'), join(root, 'sys/devices/virtual/block/dm-0/slaves/nvme0n1p1'));
  await symlink(join(root, 'sys/devices/virtual/block/dm-0'), join(root, 'sys/dev/block/253:0'));
  await write('proc/meminfo', 'MemTotal:       2147483648 kB\nMemFree: 1 kB\n');
  await write('proc/swaps', 'Filename\tType\tSize\tUsed\tPriority\n/dev/nvme1n1p2 partition 8 0 -2\n');
  await write('proc/self/mountinfo', '30 1 253:0 / /nvme rw,noatime shared:1 - xfs /dev/mapper/store rw,discard\n');
  await write(
    'proc/self/limits',
    'Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 524288               files\nMax locked memory         unlimited            unlimited            bytes\n',
  );
  await write('proc/7/comm', 'irqbalance\n');
  return root;
}
