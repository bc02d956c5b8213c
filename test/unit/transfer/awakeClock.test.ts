import { expect, it } from 'vitest';
import { createAwakeClock } from '../../../lib/adapters/transfer/worker/awakeClock.ts';

it.each([
  ['a thread that is let run', [500, 1000, 1500, 2000], 2000],
  ['rounds that come a little late', [520, 1040, 1600, 2150], 2150],
  ['a thread that was stopped for 5 s', [500, 6000, 6500], 1500],
  ['a thread that is throttled all the time', [2000, 4000, 6000], 1500],
])('the clock of %s', (_, rounds, expected) => {
  let at = 0;
  const clock = createAwakeClock(500, () => at);
  for (const round of rounds) {
    at = round;
    clock.round();
  }
  expect(clock.now()).toBe(expected);
});

it.each([0, 100, 250, 251, 3_600_000])('the clock does not go back where a round comes %i ms late', (late) => {
  let at = 0;
  const clock = createAwakeClock(500, () => at);
  at = 400;
  const early = clock.now();
  at = 500 + late;
  const before = clock.now();
  clock.round();
  const after = clock.now();
  expect(before).toBeGreaterThanOrEqual(early);
  expect(after - before).toBeGreaterThanOrEqual(0);
  expect(after - before).toBeLessThanOrEqual(250);
  at += 500;
  expect(clock.now() - after).toBe(500);
});
