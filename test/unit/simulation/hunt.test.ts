import { expect, it, vi } from 'vitest';
import { huntMutants, testMutants } from '../../simulation/hunt.ts';
import type { Mutant } from '../../simulation/mutant.ts';
import { chosenOf } from '../../simulation/mutation.ts';

const GONE: Mutant = {
  id: 'text-that-is-gone',
  breaks: 'Nothing.',
  file: 'lib/shared/units.ts',
  find: 'This stands nowhere in it.',
  replace: '',
};
const MUTANTS: readonly Mutant[] = [GONE, { ...GONE, id: 'file-that-is-gone', file: 'lib/shared/nowhere.ts' }];

it.each([
  ['hunt', () => huntMutants(MUTANTS, '1', '1')],
  ['run of the tests', () => testMutants(MUTANTS)],
])('a %s says of a mutant that does not apply that it was not tried, and fails', async (_, run) => {
  const lines: string[] = [];
  const spied = vi.spyOn(console, 'log').mockImplementation((line) => lines.push(line));
  try {
    expect(await run()).toBe(false);
  } finally {
    spied.mockRestore();
  }
  expect(lines).toEqual([
    expect.stringMatching(/^MISFIT +text-that-is-gone .*stands 0 times in lib\/shared\/units\.ts/),
    expect.stringMatching(/^MISFIT +file-that-is-gone .*nowhere\.ts/),
    expect.stringMatching(/^0 of 0 mutants .*, 2 NOT TRIED/),
  ]);
});

it('hunts no fewer mutants than were asked for', () => {
  expect(() => chosenOf(['older-event-wins', 'nobody'])).toThrow('No mutant of test/simulation/mutants.ts is nobody.');
  expect(chosenOf(['older-event-wins']).map(({ id }) => id)).toEqual(['older-event-wins']);
});
