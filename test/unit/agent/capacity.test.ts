import { expect, it } from 'vitest';
import { capacityOn } from '../../../agent/wiring/capacity.ts';
import { FIRST_VOLUME } from '../../../agent/nvme/paths.ts';
import { Bytes } from '../../../lib/shared/units.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';

const room = { volume: FIRST_VOLUME, totalBytes: 1000, headroomBytes: Bytes.parse(100) };

it.each([
  [undefined, 900],
  [900, 900],
  [0, 0],
])('takes %s as %i bytes, and says nothing', (wanted, taken) => {
  const { telemetry, records } = recordedTelemetry();
  expect(capacityOn(room, wanted === undefined ? undefined : Bytes.parse(wanted), telemetry)).toBe(taken);
  expect(records).toEqual([]);
});

it('cuts what no volume has to what it has, and says so', () => {
  const { telemetry, records } = recordedTelemetry();
  expect(capacityOn(room, Bytes.parse(901), telemetry)).toBe(900);
  expect(records).toMatchObject([
    { level: 'warn', event: 'capacity-above-volume', fields: { capacityBytes: 901, mostBytes: 900 } },
  ]);
});
