import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideKeep } from '../../../lib/tuning/decideKeep.ts';

const run = (before: readonly number[], after: readonly number[], probe = 'fill') => ({ probe, before, after });

describe('what is kept of a trial', () => {
  it.each([
    ['a gain beyond the noise', [run([100, 101, 99], [120, 121, 119])], 'keep', 'gain'],
    ['a gain within the noise', [run([100, 130, 90], [120, 121, 119])], 'undo', 'within-noise'],
    [
      'a gain that only the runs after it are too wide for',
      [run([100, 101, 99], [120, 90, 121])],
      'undo',
      'within-noise',
    ],
    [
      'a gain of one probe that costs the other',
      [run([100, 101, 99], [120, 121, 119]), run([50, 50, 51], [40, 40, 41], 'load')],
      'undo',
      'loss',
    ],
    [
      'a gain of one probe beside a noisy other',
      [run([100, 101, 99], [120, 121, 119]), run([50, 90, 20], [40, 60, 41], 'load')],
      'keep',
      'gain',
    ],
    ['too few runs to show a noise', [run([100, 100], [200, 200])], 'undo', 'within-noise'],
    ['nothing measured', [], 'undo', 'within-noise'],
  ] as const)('%s', (_, runs, decision, reason) => {
    expect(decideKeep(runs)).toMatchObject({ decision, reason });
  });

  it('takes the median of an even number between the two in the middle', () => {
    expect(decideKeep([run([1, 2, 3, 10], [1, 2, 3, 10])]).effects[0]).toMatchObject({
      before: 2.5,
      gain: 0,
      noise: 3.6,
    });
  });

  it('never keeps what lies within the range of the runs before it', () => {
    const rates = fc.array(fc.integer({ min: 50, max: 150 }), { minLength: 3, maxLength: 9 });
    fc.assert(
      fc.property(rates, rates, (before, after) => {
        const { decision, effects } = decideKeep([run(before, after)]);
        if (decision === 'keep') expect(effects[0]?.after).toBeGreaterThan(Math.max(...before));
      }),
    );
  });
});
