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
