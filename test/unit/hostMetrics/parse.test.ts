import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chooseInterfaces,
  deviceOf,
  parseDiskstats,
  parseGpuLine,
  parseMeminfo,
  parseNetDev,
  parsePressure,
  parseStat,
} from '../../../lib/hostMetrics/index.ts';

const fixture = (name: string) => readFileSync(`test/fixtures/proc/${name}.txt`, 'utf8');

describe('the texts of /proc', () => {
  it('tell the time of all processors', () => {
    expect(parseStat(fixture('stat'))).toEqual({
      busy: 4425061 + 3778967 + 2576689 + 85635,
      idle: 1747630,
      iowait: 96170,
      stolen: 11742,
      processors: 2,
    });
  });

  it('tell the memory in bytes', () => {
    expect(parseMeminfo(fixture('meminfo'))).toEqual({ totalBytes: 24684084 * 1024, availableBytes: 19456308 * 1024 });
    expect(parseMeminfo('MemTotal: 24684084 kB\nMemFree: 1 kB\n')).toBeUndefined();
  });

  it('tell the counters of every device and partition, with sectors of 512 bytes', () => {
    const devices = parseDiskstats(fixture('diskstats'));
    expect([...devices.keys()]).toEqual(['7:0', '259:0', '259:1', '259:3', '254:0']);
    expect(devices.get('259:1')).toEqual({
      reads: 33608,
      readBytes: 1588184 * 512,
      readMs: 382879,
      writes: 2001,
      writtenBytes: 142595 * 512,
      writeMs: 20368,
      busyMs: 195069,
      queuedMs: 403248,
    });
    // A kernel before 4.18 has 11 fields, one after 5.5 has 17; of a partition of 2.6 there were 4.
    expect(parseDiskstats(' 8 1 sda1 100 200 300 400\n').size).toBe(0);
  });

  it('tell the counters of every interface, also where the first number touches the name', () => {
    const interfaces = parseNetDev(fixture('netDev'));
    expect([...interfaces.keys()]).toEqual(['lo', 'ifb0', 'eth0']);
    expect(interfaces.get('eth0')).toEqual({ receivedBytes: 31704106418, sentBytes: 31748013, errors: 3, dropped: 10 });
  });

  it('tell how long tasks waited', () => {
    expect(parsePressure(fixture('pressureIo'))).toBe(4987999805);
    expect(parsePressure('')).toBeUndefined();
  });

  it('name devices as stat does', () => {
    expect(deviceOf(0x10302n)).toBe('259:2');
    expect(deviceOf(0xfe00n)).toBe('254:0');
    // A minor above 255: bits 12 and up of the number hold what is above its lowest eight.
    expect(deviceOf((1n << 20n) | (259n << 8n) | 5n)).toBe('259:261');
  });

  it('are never the end of anything, whatever they say', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('stat', 'meminfo', 'diskstats', 'netDev'), fc.nat(), (junk, of, at) => {
        const text = fixture(of);
        const torn = text.slice(0, at % text.length) + junk;
        parseStat(torn);
        parseMeminfo(torn);
        parsePressure(torn);
        for (const disk of parseDiskstats(torn).values()) {
          expect(Object.values(disk).every((value) => Number.isFinite(value))).toBe(true);
        }
        for (const one of parseNetDev(torn).values()) expect(Object.values(one).every(Number.isSafeInteger)).toBe(true);
      }),
    );
  });
});

describe('the interfaces of a host', () => {
  it('are the physical ones; where there are none, all but the loopback', () => {
    expect(chooseInterfaces(['lo', 'ens5', 'docker0', 'veth1'], new Set(['ens5']))).toEqual(['ens5']);
    expect(chooseInterfaces(['lo', 'eth0'], new Set())).toEqual(['eth0']);
  });
});

describe('a line of nvidia-smi', () => {
  it('tells what a GPU does', () => {
    expect(parseGpuLine('0, 93, 58368, 81559, 61, 548.20, NVIDIA H100 80GB HBM3')).toEqual({
      index: 0,
      name: 'NVIDIA H100 80GB HBM3',
      busy: 0.93,
      memoryUsedBytes: 58368 * 1024 * 1024,
      memoryTotalBytes: 81559 * 1024 * 1024,
      celsius: 61,
      watts: 548.2,
    });
  });

  it('leaves out what the device does not tell', () => {
    expect(parseGpuLine('3, [N/A], 1, [Not Supported], N/A, [Unknown Error], NVIDIA A100, 40GB')).toEqual({
      index: 3,
      name: 'NVIDIA A100, 40GB',
      memoryUsedBytes: 1024 * 1024,
    });
  });

  it.each([
    '',
    'No devices were found',
    'index, utilization.gpu [%], memory.used [MiB], memory.total [MiB], temperature.gpu, power.draw [W], name',
    '0, 93 %, 58368 MiB, 81559 MiB, 61, 548.20 W, NVIDIA H100',
    '0, 930, 1, 2, 61, 5, over a hundred percent',
    '0, 9, 1, 2, 61, 5, ',
    '-1, 9, 1, 2, 61, 5, x',
    '[N/A], 9, 1, 2, 61, 5, x',
    `0, 9, 1, 2, 61, 5, ${'x'.repeat(65)}`,
    '0, 9, 1e3, 2, 61, 5, x',
  ])('is no such line: %s', (line) => {
    expect(parseGpuLine(line)).toBeUndefined();
  });
});
