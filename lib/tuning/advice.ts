import { formatBytes, MIB } from '../shared/units.ts';
import type { Finding } from './findings.ts';
import type { HostReadings } from './readings.ts';

const OPEN_FILES = 65_536;
const LOCKED_BYTES = 64 * MIB;

/** What is set by a mount, a unit or a service, and so only advised. */
export function adviceOf({ store, limits, irqBalance }: HostReadings): readonly Finding[] {
  const { mountOptions } = store;
  const times = mountOptions.find((option) => /^(no|rel|strict|lazy)atime$/.test(option)) ?? 'strictatime';
  return [
    advise({
      setting: 'mount-atime',
      right: times === 'noatime' || times === 'relatime',
      now: times,
      suggested: 'noatime',
      command: 'mount -o remount,noatime MOUNTPOINT, and in /etc/fstab',
      why: 'else each first read of a file is a write; relatime writes at most once a day',
      source: 'https://man7.org/linux/man-pages/man8/mount.8.html',
      risk: 'programs that look at access times',
    }),
    advise({
      setting: 'trim',
      right: !mountOptions.includes('discard'),
      now: mountOptions.includes('discard') ? 'discard' : 'no discard',
      suggested: 'fstrim.timer',
      command: 'mount -o remount,nodiscard MOUNTPOINT && systemctl enable --now fstrim.timer',
      why: 'an eviction of 20 GB trims at once, between the reads of others; weekly it disturbs nobody',
      source: 'https://man7.org/linux/man-pages/man8/fstrim.8.html',
      risk: 'a full drive writes slower until the next trim',
    }),
    advise({
      setting: 'open-files',
      right: limits.openFiles >= OPEN_FILES,
      now: `${limits.openFiles}`,
      suggested: `${OPEN_FILES}`,
      command: 'LimitNOFILE=65536 in the unit of the agent',
      why: 'each connection and each leased file is one',
      source: 'https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html',
      risk: 'none known',
    }),
    advise({
      setting: 'locked-memory',
      right: limits.lockedBytes >= LOCKED_BYTES,
      now: limits.lockedBytes === Number.POSITIVE_INFINITY ? 'unlimited' : formatBytes(limits.lockedBytes),
      suggested: 'unlimited',
      command: 'LimitMEMLOCK=infinity in the unit of what locks memory',
      why: 'buffers that RDMA or io_uring register are locked memory',
      source: 'https://man7.org/linux/man-pages/man2/getrlimit.2.html',
      risk: 'a program may lock all memory',
    }),
    advise({
      setting: 'irq-balance',
      right: irqBalance,
      now: irqBalance ? 'runs' : 'does not run',
      suggested: 'irqbalance',
      command: 'systemctl enable --now irqbalance',
      why: 'else interrupts of the network card may all go to one processor; those of NVMe are spread by the kernel',
      source: 'https://github.com/Irqbalance/irqbalance',
      risk: 'undoes an affinity that was set by hand; no use on one or two processors',
    }),
  ];
}

function advise({
  right,
  command,
  ...said
}: Pick<Finding, 'setting' | 'now' | 'suggested' | 'why' | 'source' | 'risk'> & {
  readonly right: boolean;
  readonly command: string;
}): Finding {
  const status = right ? 'right' : 'advice';
  const suggested = right ? said.now : said.suggested;
  return { ...said, suggested, status, farOff: false, changes: [], ...(right ? {} : { command }) };
}
