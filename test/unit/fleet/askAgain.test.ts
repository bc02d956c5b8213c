import { describe, expect, it } from 'vitest';
import { askAgainSeconds } from '../../../lib/fleet/askAgain.ts';

const spread = (seconds: number) =>
  Array.from({ length: 200 }, (_, caller) => askAgainSeconds(seconds, `request-${caller}`));

describe('when callers are told to ask again', () => {
  it.each([
    [0, 1, 5],
    [5, 5, 10],
    [600, 600, 660],
    [18_000, 1_800, 3_600],
    [Infinity, 1_800, 3_600],
  ])('is not the same second for all, for what is expected in %s seconds', (seconds, from, to) => {
    const answers = spread(seconds);
    expect(Math.min(...answers)).toBeGreaterThanOrEqual(from);
    expect(Math.max(...answers)).toBeLessThanOrEqual(to);
    const most = Math.max(...answers.map((one) => answers.filter((other) => other === one).length));
    expect(most).toBeLessThan(200 / Math.min(4, to - from));
  });
});
