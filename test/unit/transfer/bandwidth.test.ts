import { describe, expect, it } from 'vitest';
import { createBandwidth } from '../../../lib/adapters/transfer/bandwidth.ts';
import { createReadSlots } from '../../../lib/adapters/transfer/readSlots.ts';
import { createManualClock } from '../../support/manualClock.ts';

describe('a bandwidth limit', () => {
  it('lets no more through than its rate, however many ask', async () => {
    const clock = createManualClock();
    const bandwidth = createBandwidth(clock, 1000);
    let through = 0;
    const all = Array.from({ length: 10 }, () =>
      bandwidth.take(500).then(() => {
        through += 500;
        return through;
      }),
    );
    for (let second = 1; second <= 5; second += 1) {
      await clock.advance(1000);
      expect(through).toBe(second * 1000);
    }
    await Promise.all(all);
  });

  it('does not wait longer after the clock was set back', async () => {
    const clock = createManualClock();
    const bandwidth = createBandwidth(clock, 1000);
    const first = bandwidth.take(1000);
    await clock.advance(1000);
    await first;
    await clock.advance(-3_600_000);
    let through = false;
    const second = bandwidth.take(1000).then(() => {
      through = true;
      return through;
    });
    await clock.advance(1000);
    expect(through).toBe(true);
    await second;
  });
});

describe('read slots', () => {
  it('let the waiting process in before what is speculative', async () => {
    const slots = createReadSlots(1);
    const order: number[] = [];
    const gate = Promise.withResolvers<void>();
    const first = slots.use(2, () => gate.promise);
    const rest = [2, 1, 0, 1].map((priority) => slots.use(priority, async () => void order.push(priority)));
    gate.resolve();
    await Promise.all([first, ...rest]);
    expect(order).toEqual([0, 1, 1, 2]);
  });
});
