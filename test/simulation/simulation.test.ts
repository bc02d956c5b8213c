import { describe, expect, it } from 'vitest';
import { runSeed } from './world.ts';

describe('a simulated run', () => {
  it('takes the same steps twice', async () => {
    for (const seed of [3, 4]) {
      const [first, second] = [await runSeed(seed), await runSeed(seed)];
      expect(second.steps).toBe(first.steps);
      expect(second.traceHash).toBe(first.traceHash);
    }
  });
});
