import { describe, expect, it } from 'vitest';
import {
  type FileReading,
  type HostReadings,
  isSettingFile,
  judgeHostSettings,
  SETTING_VALUE,
} from '../../../lib/tuning/index.ts';
import { stockHost, writable } from './readings.ts';

const one = (host: HostReadings, setting: string) => {
  const found = judgeHostSettings(host).find((finding) => finding.setting === setting);
  if (found === undefined) throw new Error(`no finding of ${setting}`);
  return found;
};
const written = (host: HostReadings, setting: string) => one(host, setting).changes.map(({ value }) => value);

describe('what a host is told of its settings', () => {
  it.each<[string, readonly string[]]>([
    ['tcp-buffers', ['67108864', '4096 131072 33554432']],
    ['congestion-control', ['bbr', 'fq']],
    ['slow-start-after-idle', ['0']],
    ['dirty-bytes', ['536870912', '2147483648']],
    ['swappiness', ['10']],
    ['min-free-kbytes', ['1048576']],
    ['huge-pages', ['always']],
    ['shmem-huge-pages', ['within_size']],
    ['cpu-governor', ['performance']],
    ['io-scheduler', ['none']],
    ['read-ahead', ['4096']],
    ['queue-depth', ['256']],
    ['nvme-power', ['0']],
  ])('changes %s of a stock kernel', (setting, values) => {
    expect(written(stockHost(), setting)).toEqual(values);
    expect(one(stockHost(), setting)).toMatchObject({ status: 'differs' });
  });

  it.each<[string, string, Readonly<Record<string, FileReading>>]>([
    [
      'tcp-buffers',
      'wider ones',
      { 'proc/sys/net/core/rmem_max': writable('999999999'), 'proc/sys/net/ipv4/tcp_rmem': writable('1 2 99999999') },
    ],
    [
      'congestion-control',
      'bbr that is not loaded',
      {
        'proc/sys/net/ipv4/tcp_available_congestion_control': writable('reno cubic'),
        'proc/sys/net/core/default_qdisc': writable('fq'),
      },
    ],
    [
      'dirty-bytes',
      'a lower limit in bytes',
      { 'proc/sys/vm/dirty_background_bytes': writable('1048576'), 'proc/sys/vm/dirty_bytes': writable('2097152') },
    ],
    [
      'huge-pages',
      'never, which somebody has chosen',
      { 'sys/kernel/mm/transparent_hugepage/enabled': writable('always madvise [never]') },
    ],
    [
      'shmem-huge-pages',
      'always',
      { 'sys/kernel/mm/transparent_hugepage/shmem_enabled': writable('[always] within_size advise never deny force') },
    ],
    [
      'io-scheduler',
      'a drive that offers no other',
      { 'sys/block/nvme0n1/queue/scheduler': writable('[mq-deadline]') },
    ],
    ['min-free-kbytes', 'more', { 'proc/sys/vm/min_free_kbytes': writable('2000000') }],
  ])('leaves %s alone: %s', (setting, _, changed) => {
    expect(one(stockHost(changed), setting)).toMatchObject({ status: 'right', changes: [] });
  });

  it('leaves swappiness alone where there is no swap, or only compressed memory', () => {
    expect(one({ ...stockHost(), swap: 'none' }, 'swappiness').status).toBe('right');
    expect(one({ ...stockHost(), swap: 'memory' }, 'swappiness').status).toBe('right');
  });

  it('counts a share of a small memory as the bytes that it is', () => {
    expect(one({ ...stockHost(), memoryBytes: 4 * 1024 ** 3 }, 'dirty-bytes').status).toBe('right');
  });

  it('gives the command to whom may not write, and says what is not there', () => {
    const readOnly: FileReading = { text: '1', access: 'read-only' };
    expect(
      one(stockHost({ 'proc/sys/net/ipv4/tcp_slow_start_after_idle': readOnly }), 'slow-start-after-idle'),
    ).toMatchObject({
      status: 'denied',
      command: "sysctl -w net.ipv4.tcp_slow_start_after_idle='0'",
    });
    const denied: FileReading = { text: 'none [bfq]', access: 'denied' };
    expect(one(stockHost({ 'sys/block/nvme0n1/queue/scheduler': denied }), 'io-scheduler')).toMatchObject({
      status: 'denied',
      command: 'echo none > /sys/block/nvme0n1/queue/scheduler',
      farOff: true,
    });
    const absent = { 'sys/class/nvme/nvme0/power/pm_qos_latency_tolerance_us': undefined };
    expect(one(stockHost(absent), 'nvme-power')).toMatchObject({ status: 'absent', changes: [] });
  });

  it('undoes bytes by the share that they were, and a scheduler with the depth that it had', () => {
    expect(one(stockHost(), 'dirty-bytes').changes.map(({ undo }) => undo)).toEqual([
      [{ file: 'proc/sys/vm/dirty_background_ratio', value: '10' }],
      [{ file: 'proc/sys/vm/dirty_ratio', value: '20' }],
    ]);
    expect(one(stockHost(), 'io-scheduler').changes[0]?.undo).toEqual([
      { file: 'sys/block/nvme0n1/queue/scheduler', value: 'mq-deadline' },
      { file: 'sys/block/nvme0n1/queue/nr_requests', value: '64' },
    ]);
  });

  it('finds far off what the doctor should mention', () => {
    const far = judgeHostSettings(stockHost()).filter(({ farOff }) => farOff);
    expect(far.map(({ setting }) => setting)).toEqual(['dirty-bytes', 'cpu-governor']);
  });

  it('only advises what is a mount, a unit or a service', () => {
    const bad = { ...stockHost(), irqBalance: false };
    const host = { ...bad, store: { devices: [], mountOptions: ['rw', 'discard'] } };
    const advised = judgeHostSettings(host).filter(({ status }) => status === 'advice');
    expect(advised.map(({ setting }) => setting)).toEqual([
      'mount-atime',
      'trim',
      'open-files',
      'locked-memory',
      'irq-balance',
    ]);
    expect(advised.every(({ command, changes }) => command !== undefined && changes.length === 0)).toBe(true);
  });

  it('says why, by whom and at which risk, and writes nothing but values of settings into files of settings', () => {
    for (const { why, source, risk, changes } of judgeHostSettings(stockHost())) {
      expect([why, risk].every((text) => text.length > 5)).toBe(true);
      expect(source).toMatch(/^https:\/\//);
      for (const { file, value, undo } of changes) {
        for (const write of [{ file, value }, ...undo]) {
          expect(isSettingFile(write.file)).toBe(true);
          expect(write.value).toMatch(SETTING_VALUE);
        }
      }
    }
  });

  it.each([
    'proc/sys/kernel/core_pattern',
    'sys/block/../../etc/queue/scheduler',
    'sys/block/nvme0n1/../sda/queue/scheduler',
    'sys/devices/system/cpu/../cpufreq/scaling_governor',
    '/proc/sys/vm/swappiness',
    'proc/sys/vm/swappiness/x',
    'proc/sys/vm/swappinessx',
  ])('knows no file %s', (file) => {
    expect(isSettingFile(file)).toBe(false);
  });
});
