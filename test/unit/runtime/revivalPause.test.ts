import { expect, it } from 'vitest';
import { MINUTE_MS } from '../../../lib/shared/units.ts';
import { revivalPause } from '../../../runtime/start/revivalPause.ts';

it('waits twice as long before each start of an agent that ends at once, up to a minute', () => {
  const pauses: number[] = [];
  for (let start = 0; start < 8; start += 1) pauses.push(revivalPause(pauses.at(-1), 300));
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

it('forgets how one began that was up for a while', () => {
  expect(revivalPause(60_000, 2 * MINUTE_MS - 1)).toBe(60_000);
  expect(revivalPause(60_000, 2 * MINUTE_MS)).toBe(1_000);
});
