import { describe, expect, it } from 'vitest';
import { type HostReading, meanLoad, sampleBetween } from '../../../lib/hostMetrics/index.ts';
import { VolumeName } from '../../../lib/shared/ids.ts';

const DATA = VolumeName.parse('data');
const DISK = { reads: 0, readBytes: 0, readMs: 0, writes: 0, writtenBytes: 0, writeMs: 0, busyMs: 0, queuedMs: 0 };
const NETWORK = { receivedBytes: 0, sentBytes: 0, errors: 0, dropped: 0 };

function reading(atMs: number, parts: Partial<HostReading> = {}): HostReading {
  return { atMs, pressure: {}, interfaces: new Map(), disks: new Map(), gpus: [], ...parts };
}

describe('a sample', () => {
  it('is what the counters grew by in the seconds between two readings', () => {
    const before = reading(1000, {
      cpu: { busy: 100, idle: 800, iowait: 90, stolen: 10, processors: 2 },
      pressure: { io: 1_000_000 },
      interfaces: new Map([['eth0', NETWORK]]),
      disks: new Map([[DATA, DISK]]),
    });
    const after = reading(6000, {
      cpu: { busy: 600, idle: 1100, iowait: 190, stolen: 110, processors: 2 },
      memory: { totalBytes: 1000, availableBytes: 400 },
      pressure: { io: 2_500_000, memory: 3 },
      interfaces: new Map([['eth0', { receivedBytes: 5000, sentBytes: 500, errors: 1, dropped: 2 }]]),
      networkBytesPerSecond: 10_000,
      disks: new Map([
        [
          DATA,
          {
            reads: 50,
            readBytes: 50_000,
            readMs: 100,
            writes: 150,
            writtenBytes: 5000,
            writeMs: 700,
            busyMs: 2500,
            queuedMs: 10_000,
          },
        ],
      ]),
    });
    expect(sampleBetween(before, after)).toEqual({
      seconds: 5,
      cpu: { busy: 0.5, iowait: 0.1, stolen: 0.1, processors: 2 },
      memory: { totalBytes: 1000, availableBytes: 400 },
      pressure: { io: 0.3 },
      network: {
        receivedBytesPerSecond: 1000,
        sentBytesPerSecond: 100,
        errors: 1,
        dropped: 2,
        bytesPerSecondLimit: 10_000,
      },
      disks: [
        {
          volume: DATA,
          readBytesPerSecond: 10_000,
          writtenBytesPerSecond: 1000,
          readsPerSecond: 10,
          writesPerSecond: 30,
          busy: 0.5,
          awaitMs: 4,
          queued: 2,
        },
      ],
    });
  });

  it('is none where time stood still, went back, or made a leap as of a machine that slept', () => {
    expect(sampleBetween(reading(1000), reading(1000))).toBeUndefined();
    expect(sampleBetween(reading(2000), reading(1000))).toBeUndefined();
    expect(sampleBetween(reading(0), reading(61_000))).toBeUndefined();
    expect(sampleBetween(reading(0), reading(60_000))).toEqual({ seconds: 60 });
  });

  it('leaves a device or an interface out that began anew, and keeps the others', () => {
    const cold = VolumeName.parse('cold');
    const before = reading(0, {
      interfaces: new Map([
        ['eth0', { ...NETWORK, receivedBytes: 100 }],
        ['eth1', NETWORK],
      ]),
      disks: new Map([
        [DATA, { ...DISK, reads: 10 }],
        [cold, DISK],
      ]),
    });
    const after = reading(5000, {
      interfaces: new Map([
        ['eth0', { ...NETWORK, receivedBytes: 50 }],
        ['eth1', { ...NETWORK, receivedBytes: 500 }],
        ['eth2', { ...NETWORK, receivedBytes: 9_999_999 }],
      ]),
      disks: new Map([
        [DATA, { ...DISK, reads: 9 }],
        [cold, { ...DISK, reads: 5 }],
      ]),
    });
    const sample = sampleBetween(before, after);
    expect(sample?.disks?.map(({ volume, readsPerSecond }) => [volume, readsPerSecond])).toEqual([[cold, 1]]);
    expect(sample?.network?.receivedBytesPerSecond).toBe(100);
  });

  it('takes idle time that went back for none, and counters that began anew for no reading', () => {
    const cpu = { busy: 100, idle: 500, iowait: 50, stolen: 0, processors: 1 };
    const back = sampleBetween(
      reading(0, { cpu }),
      reading(5000, { cpu: { ...cpu, busy: 150, idle: 550, iowait: 49 } }),
    );
    expect(back?.cpu).toEqual({ busy: 0.5, iowait: 0, stolen: 0, processors: 1 });
    const anew = reading(5000, { cpu: { busy: 1, idle: 900, iowait: 0, stolen: 0, processors: 1 } });
    expect(sampleBetween(reading(0, { cpu }), anew)?.cpu).toBeUndefined();
  });
});

describe('the load over several samples', () => {
  it('weighs each by its time, and the wait of the disk by its requests', () => {
    const disk = { volume: DATA, readBytesPerSecond: 0, writtenBytesPerSecond: 0, writesPerSecond: 0, queued: 0 };
    const load = meanLoad([
      {
        seconds: 5,
        cpu: { busy: 1, iowait: 0, stolen: 0, processors: 1 },
        disks: [{ ...disk, readsPerSecond: 1000, busy: 1, awaitMs: 2 }],
        network: { receivedBytesPerSecond: 100, sentBytesPerSecond: 0, errors: 1, dropped: 0 },
        gpus: [{ index: 0, name: 'gpu', busy: 1, celsius: 90 }],
      },
      {
        seconds: 15,
        cpu: { busy: 0, iowait: 0.4, stolen: 0, processors: 1 },
        disks: [{ ...disk, readsPerSecond: 0, busy: 0 }],
        network: { receivedBytesPerSecond: 20, sentBytesPerSecond: 4, errors: 2, dropped: 5 },
        gpus: [{ index: 0, name: 'gpu', busy: 0, celsius: 50 }],
      },
    ]);
    expect(load).toEqual({
      cpu: { busy: 0.25, iowait: expect.closeTo(0.3, 10), stolen: 0, processors: 1 },
      disks: [{ ...disk, readsPerSecond: 250, busy: 0.25, awaitMs: 2 }],
      network: { receivedBytesPerSecond: 40, sentBytesPerSecond: 3, errors: 3, dropped: 5 },
      gpus: [{ index: 0, name: 'gpu', busy: 0.25, celsius: 50 }],
    });
    expect(meanLoad([])).toEqual({});
  });
});
