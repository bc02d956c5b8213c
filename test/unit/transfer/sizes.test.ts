import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adaptSockets, firstSockets } from '../../../lib/adapters/transfer/adaptSockets.ts';
import { cutRanges } from '../../../lib/adapters/transfer/cutRanges.ts';
import { createBufferPool } from '../../../lib/adapters/transfer/worker/buffers.ts';
import { MIB } from '../../../lib/shared/units.ts';

const bounds = { first: 8, most: 250 };
const after = (samples: number, rateOf: (sockets: number) => number, slowDownAt = -1) => {
  let count = firstSockets(bounds);
  const seen = [count.sockets];
  for (let at = 0; at < samples; at += 1) {
    const sample = { bytesPerSecond: rateOf(count.sockets), busy: true, slowDown: at === slowDownAt };
    count = adaptSockets(count, sample, bounds);
    seen.push(count.sockets);
  }
  return seen;
};

describe('the number of sockets', () => {
  it('grows while each brings its share, up to its bound', () => {
    expect(after(60, (sockets) => sockets * 40e6).at(-1)).toBe(250);
  });

  it('goes back to where it was when more brought nothing, and tries again only later', () => {
    const seen = after(30, () => 1e9);
    expect(seen.filter((sockets) => sockets > 8).length).toBeLessThan(6);
    expect(seen.at(-1)).toBeLessThanOrEqual(12);
  });

  it('stops near the point where a link is full', () => {
    const last = after(200, (sockets) => Math.min(sockets * 40e6, 1.25e9)).at(-1) ?? 0;
    expect(last).toBeGreaterThanOrEqual(27);
    expect(last).toBeLessThan(70);
  });

  it('halves when a server asks for less, down to one', () => {
    expect(after(1, () => 1e9, 0)).toEqual([8, 4]);
    let count = firstSockets(bounds);
    for (let at = 0; at < 9; at += 1) {
      count = adaptSockets(count, { bytesPerSecond: 1, busy: true, slowDown: true }, bounds);
    }
    expect(count.sockets).toBe(1);
  });

  it('goes down at once to a bound that has become lower', () => {
    const count = { sockets: 100, before: { sockets: 67, bytesPerSecond: 1 }, rest: 1 };
    const lower = adaptSockets(count, { bytesPerSecond: 1e9, busy: false, slowDown: false }, { first: 8, most: 32 });
    expect(lower.sockets).toBe(32);
  });

  it('does not change while there is not work for all', () => {
    const count = firstSockets(bounds);
    expect(adaptSockets(count, { bytesPerSecond: 1, busy: false, slowDown: false }, bounds)).toBe(count);
  });
});

describe('the ranges of a part', () => {
  it('cover it once, in whole MiB but for the last', () => {
    assert(
      property(
        integer({ min: 1, max: 64 * MIB }),
        integer({ min: 0, max: 2 ** 45 }),
        integer({ min: 1, max: 250 }),
        (length, left, sockets) => {
          const ranges = cutRanges({ offset: 64 * MIB, length }, left, sockets);
          let at = 64 * MIB;
          for (const range of ranges) {
            expect(range.offset).toBe(at);
            at += range.length;
          }
          expect(at).toBe(64 * MIB + length);
          expect(ranges.slice(0, -1).every((range) => range.length % MIB === 0)).toBe(true);
        },
      ),
    );
  });

  it('become smaller towards the end', () => {
    const lengths = [2 ** 40, 512 * MIB, 64 * MIB].map(
      (left) => cutRanges({ offset: 0, length: 64 * MIB }, left, 8).length,
    );
    expect(lengths).toEqual([2, 2, 16]);
  });
});

describe('the buffer pool', () => {
  it('never gives memory twice, never more than it has, and has all of it again at the end', () => {
    assert(
      property(integer({ min: 1, max: 300 }), integer({ min: 1, max: 1000 }), (ranges, seed) => {
        const pool = createBufferPool(4 * MIB);
        pool.shareAmong(ranges);
        let random = seed;
        const held: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
        for (let step = 0; step < 200; step += 1) {
          random = (random * 1103515245 + 12345) % 2 ** 31;
          const buffer = random % 3 === 0 ? undefined : pool.take();
          if (buffer !== undefined) held.push(buffer);
          else {
            const [given] = held.splice(random % Math.max(1, held.length), 1);
            if (given !== undefined) pool.give(given);
          }
          const spans = held.toSorted((a, b) => a.offset - b.offset);
          const wrong = spans.find(
            ({ offset, bytes }, at) =>
              offset % 4096 !== 0 || offset + bytes.length > (spans[at + 1]?.offset ?? Infinity),
          );
          expect(wrong).toBeUndefined();
          expect(spans.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThanOrEqual(4 * MIB);
        }
        for (const buffer of held) pool.give(buffer);
        pool.shareAmong(1);
        const all = Array.from({ length: 5 }, () => pool.take()?.bytes.length);
        expect(all).toEqual([MIB, MIB, MIB, MIB, undefined]);
      }),
      { numRuns: 30 },
    );
  });

  it('gives no more at once than is asked for', () => {
    const pool = createBufferPool(MIB);
    expect(Array.from({ length: 5 }, () => pool.take(MIB / 4)?.bytes.length)).toEqual([
      ...Array(4).fill(MIB / 4),
      undefined,
    ]);
  });

  it('gives what comes back to whoever waited first', () => {
    const pool = createBufferPool(MIB);
    const buffer = pool.take();
    const granted: string[] = [];
    const stop = pool.wait(() => granted.push('gone'));
    pool.wait(() => granted.push('first'));
    pool.wait(() => granted.push('second'));
    stop();
    if (buffer !== undefined) pool.give(buffer);
    expect(granted).toEqual(['first']);
  });
});
