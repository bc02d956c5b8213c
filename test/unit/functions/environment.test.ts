import { expect, it } from 'vitest';
import { parseEnvironment } from '../../../functions/wiring/environment.ts';

const messageOf = (variables: Readonly<Record<string, string>>): string => {
  try {
    parseEnvironment(variables);
    return '';
  } catch (error) {
    return String(error);
  }
};

it.each(['1,000', '', ' ', '-1', 'Infinity', 'NaN', '0x10', '1e999'])(
  'a limit of "%s" is refused by its name',
  (text) => {
    expect(messageOf({ STRATA_RESTORE_BUDGET_USD_PER_DAY: text })).toContain('STRATA_RESTORE_BUDGET_USD_PER_DAY');
  },
);

it.each([0, 1_000, 0.7, 1e-7, Number.MAX_SAFE_INTEGER])('a limit of %d is taken', (value) => {
  expect(messageOf({ STRATA_RESTORE_BUDGET_USD_PER_DAY: String(value) })).not.toContain('STRATA_RESTORE_BUDGET');
});
