import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decidePause, type EvictionFacts, isPaused } from '../../../lib/fleet/decidePause.ts';
import { Bytes, DAY_MS, EpochMs } from '../../../lib/shared/units.ts';

const NOW = EpochMs.parse(1_800_000_000_000);
const before = (rounds: number, uses = 5, expiresAt = NOW + DAY_MS): EvictionFacts['before'] => ({
  rounds,
  uses,
  expiresAt: EpochMs.parse(expiresAt),
});

describe('the pause after a host has let go of a blob by itself', () => {
  it.each([
    ['is a day', { before: undefined, uses: 1, asked: false }, 1],
    ['doubles where only its fetch was counted since', { before: before(1), uses: 6, asked: false }, 2],
    ['doubles where the host has lost count', { before: before(3), uses: 1, asked: false }, 8],
    ['is never longer than 32 days', { before: before(20), uses: 6, asked: false }, 32],
    ['is a day again where a process has used it since', { before: before(4), uses: 7, asked: false }, 1],
    ['is a day again where a process had it fetched', { before: before(4), uses: 6, asked: true }, 1],
    ['is a day again where the time before is forgotten', { before: before(4, 5, NOW), uses: 6, asked: false }, 1],
  ] as const)('%s', (_name, facts, days) => {
    const pause = decidePause(facts, NOW);
    expect(pause).toMatchObject({
      uses: facts.uses,
      pausedUntil: NOW + days * DAY_MS,
      expiresAt: NOW + (days + 32) * DAY_MS,
    });
  });

  it('lets at most one fetch more be for nothing each time that the days double, however soon the host lets go', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 31 * DAY_MS }), { minLength: 7, maxLength: 7 }), (stays) => {
        let row: ReturnType<typeof decidePause> | undefined;
        for (const [index, stay] of stays.entries()) {
          const [fetchedAt, fetches] = [row?.pausedUntil ?? NOW, index + 1];
          const days = Math.min(63, (fetchedAt - NOW) / DAY_MS);
          expect(fetches).toBeLessThanOrEqual(1 + Math.log2(1 + days));
          row = decidePause({ before: row, uses: fetches, asked: false }, EpochMs.parse(fetchedAt + stay));
        }
      }),
    );
  });

  it.each([
    ['holds until its end', 100, NOW - 1, true],
    ['has ended then', 100, NOW, false],
    ['says nothing of more room than the host had', 101, NOW - 1, false],
    ['holds for less', 99, NOW - 1, true],
  ])('%s', (_name, capacity, now, paused) => {
    const eviction = { capacityBytes: Bytes.parse(100), pausedUntil: NOW };
    expect(isPaused(eviction, { capacityBytes: Bytes.parse(capacity) }, EpochMs.parse(now))).toBe(paused);
  });
});
