import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startLoop } from '../../../runtime/loop.ts';
import { silentTelemetry } from '../../support/silentTelemetry.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('takes one turn after another, at once where nothing is to be waited for', async () => {
  let turns = 0;
  const loop = startLoop(silentTelemetry, 'test', 0, async () => {
    turns += 1;
  });
  await vi.advanceTimersByTimeAsync(100);
  expect(turns).toBeGreaterThan(50);
  await loop.stop();
});

it('does not spin while its work keeps failing', async () => {
  let turns = 0;
  const loop = startLoop(silentTelemetry, 'test', 0, async () => {
    turns += 1;
    throw new Error('the disk is full');
  });
  await vi.advanceTimersByTimeAsync(3_500);
  expect(turns).toBe(4);
  await loop.stop();
});

it('begins its next turn at once when it is woken, also while it takes one', async () => {
  let turns = 0;
  const loop = startLoop(silentTelemetry, 'test', 60_000, async () => {
    turns += 1;
    await Promise.resolve();
    if (turns === 1) loop.wake();
  });
  await vi.advanceTimersByTimeAsync(0);
  expect(turns).toBe(2);
  loop.wake();
  await vi.advanceTimersByTimeAsync(0);
  expect(turns).toBe(3);
  await loop.stop();
});
