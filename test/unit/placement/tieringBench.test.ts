import { describe, expect, it } from 'vitest';
import { ratiosBySeed } from '../../../bench/tiering/bySeed.ts';
import { ratioInterval } from '../../../bench/tiering/interval.ts';
import { onOtherHalf } from '../../../bench/tiering/otherHalf.ts';
import { compileRates, knownRate, type ReplayObject } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { DAY_MS, GB } from '../../../lib/shared/units.ts';
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

describe('the ratio to Intelligent-Tiering', () => {
  const setup = {
    rates: compileRates(shippedPriceBook()),
    classes: ['STANDARD', 'INTELLIGENT_TIERING', 'STANDARD_IA', 'GLACIER_IR'],
    stepMs: DAY_MS,
    waiting: { toleranceMs: 0, usdPerMs: 0 },
  };
  const history = { startStep: 0, endStep: 400, steps: [], counts: [], deleted: false };
  const tiered: ReplayObject = { bytes: GB, history };
  const readOnDay300 = { ...history, steps: [300], counts: [5] };
  const readAfterRest: ReplayObject = {
    bytes: GB,
    history: readOnDay300,
    knowledge: [{ fromStep: 0, fact: { kind: 'rate', forecast: knownRate(1 / 3650) } }],
  };
  const known: ReplayObject = {
    ...tiered,
    knowledge: [{ fromStep: 0, fact: { kind: 'rate', forecast: knownRate(1 / 3650) } }],
  };

  it('varies with which models are drawn, and is the same in every run', () => {
    const mixed = ratioInterval([[tiered, known]], setup, 20);
    expect(mixed).toEqual(ratioInterval([[tiered, known]], setup, 20));
    expect(mixed.low).toBeLessThan(mixed.high);
    const [all, none] = [known, tiered].map((one) => ratioInterval([[one]], setup, 20));
    expect(mixed.low).toBeCloseTo(all?.low ?? 0, 9);
    expect(mixed.high).toBeCloseTo(none?.high ?? 0, 9);
  });

  it('is told of each seed, with the copies that strata-dollars is moved by', () => {
    const [rests, read] = ratiosBySeed([[tiered], [readAfterRest]], setup, 'plane');
    expect(rests).toBe(1);
    const [, writtenBack] = ratiosBySeed([[tiered], [readAfterRest]], setup, 'lifecycle');
    // What lies in GLACIER_IR is read five times; what is written back at the first read pays one of them.
    expect(writtenBack).toBeLessThan(read ?? 0);
  });

  it('is measured on the models that the prior was not chosen on', () => {
    const [onEven, onOdd] = onOtherHalf([[tiered, known]], setup);
    expect(onEven).toMatchObject({ chosenOn: 'even', shipped: [ratioInterval([[known]], setup, 1).median] });
    expect(onOdd).toMatchObject({ chosenOn: 'odd', shipped: [ratioInterval([[tiered]], setup, 1).median] });
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
