import { chosenOf, type HostFile, type HostReadings } from './readings.ts';
import { atLeast, exactly, type Setting, type Written } from './settings.ts';

const TUNED = 'https://github.com/redhat-performance/tuned/tree/master/profiles';
const BLOCK = 'https://docs.kernel.org/admin-guide/abi-stable.html';

/** Of the devices that the store lies on, and of nothing else. */
export const DEVICE_SETTINGS: readonly Setting[] = [
  {
    id: 'io-scheduler',
    why: 'a flash drive orders its own queue; a scheduler costs CPU and locks',
    source: 'https://docs.kernel.org/block/switching-sched.html',
    risk: 'no fairness between processes on one drive',
    parts: [
      {
        pattern: 'sys/block/{device}/queue/scheduler',
        suggest: exactly('none'),
        undo: schedulerAgain,
        farOff: (now) => now === 'bfq' || now === 'cfq',
      },
    ],
  },
  {
    id: 'read-ahead',
    why: 'weights are read from end to end: 128 KiB ahead leaves a drive idle between requests',
    source: `${BLOCK} ${TUNED}/throughput-performance`,
    risk: 'wasted reads where files are read here and there',
    parts: [
      {
        pattern: 'sys/block/{device}/queue/read_ahead_kb',
        suggest: atLeast(4096),
        farOff: (now) => Number(now) < 128,
      },
    ],
  },
  {
    id: 'queue-depth',
    why: 'requests that wait in the kernel for the drive: 4 MiB ahead are many of them',
    source: BLOCK,
    risk: 'longer waits behind a burst; refused where the drive has fewer',
    parts: [{ pattern: 'sys/block/{device}/queue/nr_requests', suggest: atLeast(256) }],
  },
  {
    id: 'nvme-power',
    why: 'a drive that naps answers its first reads up to 100 ms later',
    source: 'https://docs.kernel.org/admin-guide/abi-testing.html',
    risk: 'power and heat',
    parts: [{ pattern: 'sys/class/nvme/{controller}/power/pm_qos_latency_tolerance_us', suggest: exactly('0') }],
  },
];

/** A change of the scheduler sets the depth of the queue to that scheduler's own. */
function schedulerAgain(now: string, file: HostFile, { files }: HostReadings): readonly Written[] {
  const depth = file.replace(/scheduler$/, 'nr_requests');
  const found = files.get(depth);
  return [{ file, value: now }, ...(found === undefined ? [] : [{ file: depth, value: chosenOf(found.text) }])];
}
