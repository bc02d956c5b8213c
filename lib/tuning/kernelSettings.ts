import { GIB, MIB } from '../shared/units.ts';
import { chosenOf, type HostFile, type HostReadings } from './readings.ts';
import { atLeast, exactly, type Setting, type Written } from './settings.ts';

const VM = 'https://docs.kernel.org/admin-guide/sysctl/vm.html';
const IP = 'https://docs.kernel.org/networking/ip-sysctl.html';
const FASTERDATA = 'https://fasterdata.es.net/host-tuning/linux/';
const TUNED = 'https://github.com/redhat-performance/tuned/tree/master/profiles';

/** ESnet: 32 MiB a connection for hosts of 10 Gbit/s and more, and twice that for who sets it by hand. */
const TCP_WINDOW = 32 * MIB;
const SOCKET_BUFFER = 64 * MIB;
const DIRTY_BACKGROUND = 512 * MIB;
const DIRTY = 2 * GIB;
const DIRTY_FAR_OFF = 16 * GIB;
const SWAPPINESS = 10;
const FAR_SWAPPINESS = 80;

export const KERNEL_SETTINGS: readonly Setting[] = [
  {
    id: 'tcp-buffers',
    why: 'a connection brings at most its window per round trip: 6 MiB at 30 ms is 1.7 Gbit/s',
    source: `${FASTERDATA} ${IP}`,
    risk: 'each busy connection may take that much kernel memory, within tcp_mem',
    parts: [
      { pattern: 'proc/sys/net/core/rmem_max', suggest: atLeast(SOCKET_BUFFER) },
      {
        pattern: 'proc/sys/net/ipv4/tcp_rmem',
        suggest: widerWindow,
        farOff: (now) => Number(now.split(' ')[2]) < 4 * MIB,
      },
    ],
  },
  {
    id: 'congestion-control',
    why: 'for what this host sends (to peers, uploads): keeps its rate where packets are lost; fq paces it',
    source: `${FASTERDATA} https://github.com/google/bbr`,
    risk: 'takes more than its share from cubic on a shallow queue; fq comes with interfaces that come up later',
    parts: [
      { pattern: 'proc/sys/net/ipv4/tcp_congestion_control', suggest: bbrWhereItIs },
      { pattern: 'proc/sys/net/core/default_qdisc', suggest: exactly('fq') },
    ],
  },
  {
    id: 'slow-start-after-idle',
    why: 'for what this host sends: a connection that waited for its next range starts over with ten packets',
    source: IP,
    risk: 'a burst into a path that has filled up meanwhile',
    parts: [{ pattern: 'proc/sys/net/ipv4/tcp_slow_start_after_idle', suggest: exactly('0') }],
  },
  {
    id: 'dirty-bytes',
    why: '20 % of a large memory is minutes of writing at once; the store writes past the page cache, others do not',
    source: VM,
    risk: 'programs that write in bursts wait sooner',
    parts: [
      {
        pattern: 'proc/sys/vm/dirty_background_bytes',
        suggest: lessDirty('dirty_background_ratio', DIRTY_BACKGROUND),
        undo: ratioAgain('dirty_background_ratio'),
      },
      {
        pattern: 'proc/sys/vm/dirty_bytes',
        suggest: lessDirty('dirty_ratio', DIRTY),
        undo: ratioAgain('dirty_ratio'),
        farOff: (now, host) => dirtyLimit(now, 'dirty_ratio', host) > DIRTY_FAR_OFF,
      },
    ],
  },
  {
    id: 'swappiness',
    why: 'reading models fills the page cache, which pushes out the memory of processes that wait for a GPU',
    source: `${VM} ${TUNED}/throughput-performance`,
    risk: 'less page cache when memory is short',
    parts: [
      {
        pattern: 'proc/sys/vm/swappiness',
        // Swapping to compressed memory is cheaper than reading a drive: the kernel's documentation wants more there.
        suggest: (now, { swap }) => (swap === 'disk' && Number(now) > SWAPPINESS ? String(SWAPPINESS) : undefined),
        farOff: (now, { swap }) => swap === 'disk' && Number(now) > FAR_SWAPPINESS,
      },
    ],
  },
  {
    id: 'min-free-kbytes',
    why: 'packets of a fast line need pages at once, while the page cache holds all of them',
    source: VM,
    risk: 'that memory is lost to programs; far too much ends in out-of-memory kills',
    parts: [{ pattern: 'proc/sys/vm/min_free_kbytes', suggest: (now, host) => atLeast(reserveKib(host))(now) }],
  },
  {
    id: 'huge-pages',
    why: 'buffers of a fetch in pages of 2 MiB: less CPU for each write to a drive; restart the agent, whose pages stay',
    source: 'https://docs.kernel.org/admin-guide/mm/transhuge.html',
    risk: 'every process takes memory in steps of 2 MiB, also one that uses little of each; khugepaged copies pages together',
    parts: [
      {
        pattern: 'sys/kernel/mm/transparent_hugepage/enabled',
        // No kernel and no distribution begins with `never`: somebody has chosen it, for a database mostly.
        suggest: (now) => (now === 'madvise' ? 'always' : undefined),
      },
    ],
  },
  {
    id: 'shmem-huge-pages',
    why: 'weights in shared memory (memfd, anonymous): 512 times fewer page faults; /dev/shm has its own `huge=`',
    source: 'https://docs.kernel.org/admin-guide/mm/transhuge.html',
    risk: 'memory is taken in steps of 2 MiB, and compacting for them may cost time',
    parts: [
      {
        pattern: 'sys/kernel/mm/transparent_hugepage/shmem_enabled',
        suggest: (now) => (['within_size', 'always', 'force'].includes(now) ? undefined : 'within_size'),
      },
    ],
  },
  {
    id: 'cpu-governor',
    why: 'hashing and TLS come in bursts that are over before a slow governor has raised the clock',
    source: `https://docs.kernel.org/admin-guide/pm/cpufreq.html ${TUNED}/throughput-performance`,
    risk: 'power and heat; virtual machines have none to set',
    parts: [
      {
        pattern: 'sys/devices/system/cpu/*/cpufreq/scaling_governor',
        suggest: exactly('performance'),
        farOff: (now) => now === 'powersave',
      },
    ],
  },
];

function widerWindow(now: string): string | undefined {
  const [least, first, most] = now.split(' ');
  return Number(most) >= TCP_WINDOW ? undefined : `${least} ${first} ${TCP_WINDOW}`;
}

/** A module that is not loaded would be loaded by the write: only what is there already is suggested. */
function bbrWhereItIs(now: string, { files }: HostReadings): string | undefined {
  const available = files.get('proc/sys/net/ipv4/tcp_available_congestion_control')?.text ?? '';
  return now !== 'bbr' && available.split(/\s+/).includes('bbr') ? 'bbr' : undefined;
}

/** In bytes; the share is of what may become dirty, which is less than all memory. */
function dirtyLimit(now: string, ratio: string, { files, memoryBytes }: HostReadings): number {
  if (Number(now) > 0) return Number(now);
  return (Number(chosenOf(files.get(`proc/sys/vm/${ratio}`)?.text ?? '0')) / 100) * memoryBytes;
}

function lessDirty(ratio: string, most: number) {
  return (now: string, host: HostReadings) => (dirtyLimit(now, ratio, host) > most ? String(most) : undefined);
}

/** The kernel takes no 0 here: what was a share becomes one again by writing the share. */
function ratioAgain(ratio: string) {
  return (now: string, file: HostFile, { files }: HostReadings): readonly Written[] => {
    const share = files.get(`proc/sys/vm/${ratio}`);
    if (now !== '0' || share === undefined) return [{ file, value: now }];
    return [{ file: `proc/sys/vm/${ratio}`, value: chosenOf(share.text) }];
  };
}

/** 0.4 % of the memory, 64 MiB to 1 GiB. */
function reserveKib({ memoryBytes }: HostReadings): number {
  return Math.round(Math.min(GIB, Math.max(64 * MIB, 0.004 * memoryBytes)) / 1024);
}
