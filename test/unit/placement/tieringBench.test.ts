import { describe, expect, it } from 'vitest';
import { parseMonthlyReads, spreadOverDays } from '../../../bench/tiering/monthlyReads.ts';
import { parseSizes, parseUses } from '../../../bench/tiering/servingTrace.ts';

const MONTHLY = parseMonthlyReads([
  'model,2024-01-01,2024-02-01,2024-03-01',
  'early,310,,',
  'late,,2900,0.0',
  'never,,,',
]);

describe('monthly reads', () => {
  it('become daily ones of the same rate within their month, the same for the same seed', () => {
    const [early, late, ...others] = spreadOverDays(MONTHLY, 1, 7, 1);
    expect(others).toEqual([]);
    expect(early?.history).toMatchObject({ startStep: 0, endStep: 90, deleted: false });
    expect(late?.history).toMatchObject({ startStep: 31, endStep: 90 });
    const sum = (counts: ArrayLike<number>): number => Array.from(counts).reduce((total, count) => total + count, 0);
    // Five standard deviations of a Poisson number.
    expect(Math.abs(sum(early?.history.counts ?? []) - 310)).toBeLessThan(5 * Math.sqrt(310));
    expect(Math.abs(sum(late?.history.counts ?? []) - 2900)).toBeLessThan(5 * Math.sqrt(2900));
    expect(Math.max(...Array.from(early?.history.steps ?? []))).toBeLessThan(31);
    expect(spreadOverDays(MONTHLY, 1, 7, 1)).toEqual(spreadOverDays(MONTHLY, 1, 7, 1));
    expect(spreadOverDays(MONTHLY, 1, 7, 2)).not.toEqual(spreadOverDays(MONTHLY, 1, 7, 1));
  });

  it('become fewer by the scale', () => {
    const [early] = spreadOverDays(MONTHLY, 310, 7, 1);
    expect(early?.history.steps.length).toBeLessThan(8);
  });
});

describe('a serving trace', () => {
  it('is the base and then the adapters of every request that has a time', () => {
    const sizes = parseSizes(['id,kind,family,size_bytes_assumed', 'B1,base,x,4000', 'L1,lora,x,100']);
    const uses = parseUses(
      [
        'seq,ts,group,task,status,base,loras,images,steps,exec_s',
        '0,,,T,,B1,,1,30,2',
        '1,10,G,T,OK,B1,L1|L2,1,30,2',
        '2,12,G,T,OK,,L1,1,30,2',
      ],
      sizes,
    );
    expect(uses.map(({ at, blob, bytes }) => [at, blob, bytes])).toEqual([
      [10_000, 'B1', 4000],
      [10_000, 'L1', 100],
      [10_000, 'L2', 200 * 2 ** 20],
      [12_000, 'L1', 100],
    ]);
  });
});
