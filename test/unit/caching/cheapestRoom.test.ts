import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidates, cheapestRoom } from '../../../lib/caching/strata/cheapestRoom.ts';

const candidates = fc
  .array(fc.record({ bytes: fc.integer({ min: 1, max: 60 }), value: fc.integer({ min: 1, max: 100 }) }), {
    minLength: 1,
    maxLength: 10,
  })
  .map((rows): Candidates => {
    const ranked = rows.toSorted((a, b) => a.value / a.bytes - b.value / b.bytes);
    return { bytes: ranked.map(({ bytes }) => bytes), value: ranked.map(({ value }) => value) };
  });
const total = (positions: readonly number[], column: readonly number[]): number =>
  positions.reduce((sum, position) => sum + column[position]!, 0);

/** The least of value lost − 0.7 × least density × bytes beyond the need, over all subsets. */
function leastPrice({ bytes, value }: Candidates, bytesToFree: number): number {
  const byte = (0.7 * value[0]!) / bytes[0]!;
  let least = Number.POSITIVE_INFINITY;
  for (let subset = 0; subset < 2 ** bytes.length; subset += 1) {
    const chosen = bytes.map((_, position) => position).filter((position) => (subset >> position) & 1);
    const freed = total(chosen, bytes);
    if (freed >= bytesToFree) least = Math.min(least, total(chosen, value) - byte * (freed - bytesToFree));
  }
  return least;
}

describe('the cheapest room', () => {
  it('frees what is needed, without a candidate twice, and is never cheaper than the cheapest', () => {
    fc.assert(
      fc.property(candidates, fc.integer({ min: 1, max: 200 }), (given, bytesToFree) => {
        const room = cheapestRoom(given, bytesToFree);
        const all = given.bytes.reduce((sum, bytes) => sum + bytes, 0);
        expect(room === undefined).toBe(all < bytesToFree);
        if (room === undefined) return;
        expect(new Set(room.leaving).size).toBe(room.leaving.length);
        expect(total(room.leaving, given.bytes)).toBeGreaterThanOrEqual(bytesToFree);
        expect(room.price).toBeGreaterThanOrEqual(leastPrice(given, bytesToFree) - 1e-9);
      }),
    );
  });

  it('is the cheapest where sizes are whole units of the need', () => {
    fc.assert(
      fc.property(candidates, (given) => {
        const bytes = given.bytes.map((size) => size - (size % 2) + 2);
        const order = bytes
          .map((_, at) => at)
          .sort((a, b) => given.value[a]! / bytes[a]! - given.value[b]! / bytes[b]!);
        const even = { bytes: order.map((at) => bytes[at]!), value: order.map((at) => given.value[at]!) };
        const room = cheapestRoom(even, 64);
        expect(room?.price ?? Number.POSITIVE_INFINITY).toBeCloseTo(leastPrice(even, 64), 9);
      }),
    );
  });

  it('takes one large object of little value rather than many small ones that are densely worth less', () => {
    const small = { bytes: [10, 10, 10, 10], value: [9, 9, 9, 9] };
    const given = { bytes: [...small.bytes, 40], value: [...small.value, 37] };
    expect(cheapestRoom(given, 31)?.leaving).toEqual([3, 2, 1, 0]);
    expect(cheapestRoom({ bytes: [10, 10, 10, 40], value: [9, 9, 9, 37] }, 31)?.leaving).toEqual([3]);
  });
});
