import { expect, it } from 'vitest';
import { createLimiter } from '../../../lib/adapters/transfer/worker/limiter.ts';

it('a limiter lets no more through than its rate, however the bytes come', () => {
  let now = 0;
  const limiter = createLimiter(() => now);
  limiter.set(1_000_000);
  let bytes = 0;
  while (now < 60_000) {
    const chunk = 1000 + (bytes % 70_000);
    bytes += chunk;
    const pause = limiter.spent(chunk);
    now += pause === 0 ? 1 : pause;
  }
  expect(bytes / 60).toBeLessThan(1_000_000 * 1.01);
  expect(bytes / 60).toBeGreaterThan(1_000_000 * 0.9);
});

it('a limiter without a rate stops nothing', () => {
  const limiter = createLimiter(() => 0);
  expect([limiter.limits(), limiter.spent(1e12)]).toEqual([false, 0]);
});

it('time without bytes earns no burst above the slack', () => {
  let now = 0;
  const limiter = createLimiter(() => now);
  limiter.set(1_000_000);
  now = 3_600_000;
  expect(limiter.spent(1_000_000)).toBe(1000);
});
