import { expect, it } from 'vitest';
import { gpusCost, hostTiersCost } from '../../../lib/costs/index.ts';
import { tierRooms } from '../../../lib/hostMetrics/index.ts';
import { compileRates } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { Bytes } from '../../../lib/shared/units.ts';
import { VolumeReport } from '../../../events/host-heartbeat/v1.ts';

const rates = compileRates(shippedPriceBook());

it('prices the room of each tier and what is taken of it by the month of 730 hours', () => {
  const volume = (name: string, tier: string, capacityBytes: number, usedBytes: number) =>
    VolumeReport.parse({ name, tier, state: 'active', capacityBytes, usedBytes, reservedBytes: 0, freeBytes: 0 });
  const volumes = [volume('a', 'nvme', 60e9, 6e9), volume('b', 'ssd', 100e9, 0), volume('c', 'nvme', 40e9, 4e9)];
  const rooms = tierRooms({ capacityBytes: 100e9, usedBytes: 10e9, volumes });
  const [nvme, ssd] = hostTiersCost(rooms, rates);
  expect(nvme).toMatchObject({ tier: 'nvme', capacityBytes: 100e9, usedBytes: 10e9 });
  // $0.02 and $0.01 a GB and hour in the reference book.
  expect(nvme?.capacityUsdPerHour).toBeCloseTo(2, 9);
  expect(nvme?.capacityUsdPerMonth).toBeCloseTo(1460, 6);
  expect(nvme?.usedUsdPerMonth).toBeCloseTo(146, 6);
  expect(ssd).toMatchObject({ tier: 'ssd', usedUsdPerMonth: 0 });
  expect(ssd?.capacityUsdPerHour).toBeCloseTo(1, 9);
  expect(hostTiersCost(tierRooms({ capacityBytes: Bytes.parse(100e9), usedBytes: 0 }), rates)).toHaveLength(1);
});

it('prices the GPUs by their label, else by the name that they tell, and never at zero', () => {
  const names = ['NVIDIA H100 80GB HBM3', 'NVIDIA H100 80GB HBM3'];
  expect(gpusCost(undefined, names, rates)).toEqual({ gpu: 'H100', count: 2, usdPerHour: 13.76 });
  expect(gpusCost('A100', names, rates)).toMatchObject({ gpu: 'A100' });
  expect(gpusCost('mine', names, rates)).toMatchObject({ gpu: 'H100' });
  expect(gpusCost(undefined, ['Imaginary 9'], rates)).toBeUndefined();
  expect(gpusCost('H100', [], rates)).toBeUndefined();
});
