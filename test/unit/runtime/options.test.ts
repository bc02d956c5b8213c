import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../../runtime/start/options.ts';

function policiesOf(...args: string[]) {
  const options = parseOptions(args, {});
  if (options === 'help') return expect.fail('no help was asked for');
  return options.policies;
}

function limitsOf(...args: string[]) {
  const options = parseOptions(args, {});
  return options === 'help' ? expect.fail('no help was asked for') : options.limits;
}

describe('npm start', () => {
  it('takes limits as a deployment does, and has its values where none is named', () => {
    expect(limitsOf()).toEqual({
      sweepBudgetUsd: 1_000,
      sweepMostMoves: 1_000_000,
      packAboveBytes: 100_000_000,
      packBelowRatio: 0.7,
      lifecycleMostDeletes: 100,
      lifecycleMostDeleteBytes: 10_000_000_000_000,
      restoreBudgetUsdPerDay: 1_000,
      restoresPerHour: 1_000,
    });
    const flags = [
      '--sweep-budget-usd=0',
      '--sweep-most-moves=7',
      '--pack-above-bytes=1GiB',
      '--pack-below-percent=50',
      '--restore-budget-usd-per-day=0',
      '--restores-per-hour=3',
    ];
    expect(limitsOf(...flags, '--lifecycle-most-deletes=0', '--lifecycle-most-delete-bytes=12345')).toEqual({
      sweepBudgetUsd: 0,
      sweepMostMoves: 7,
      packAboveBytes: 2 ** 30,
      packBelowRatio: 0.5,
      lifecycleMostDeletes: 0,
      lifecycleMostDeleteBytes: 12_345,
      restoreBudgetUsdPerDay: 0,
      restoresPerHour: 3,
    });
  });

  it('takes the price book that decides, by flag or by the environment', () => {
    const bookOf = (args: readonly string[], environment: Record<string, string>) => {
      const options = parseOptions(args, environment);
      return options === 'help' ? expect.fail('no help was asked for') : options.prices.book?.id;
    };
    const file = 'docs/examples/own-minio.json';
    expect(bookOf([], {})).toBeUndefined();
    expect(bookOf(['--prices', file], { STRATA_PRICE_BOOK: 'lib/pricing/books/cloudflare-r2.json' })).toBe('own/minio');
    expect(bookOf([], { STRATA_PRICE_BOOK: 'lib/pricing/books/cloudflare-r2.json' })).toBe('cloudflare/r2');
  });

  it('keeps nothing in the working folder because a variable was empty', () => {
    expect(() => parseOptions(['--data', ''], {})).toThrow('--data names a folder');
  });

  it('takes other thresholds of both presets', () => {
    const { lifecycleRules, tierRules } = policiesOf(
      '--tier-rules=archiveAgeDays=1095',
      '--lifecycle-rules=coldAfterIdleDays=60',
    );
    expect([tierRules.archiveAgeDays, lifecycleRules.coldAfterIdleDays]).toEqual([1095, 60]);
    expect(policiesOf()).toMatchObject({ tierRules: { version: 'rules-2' } });
  });

  it.each([
    ['--tier-rules=archiveAgeDay=1', '--tier-rules: `archiveAgeDay=1` is no threshold'],
    ['--tier-rules=warmPerDay=2', '--tier-rules: hotPerDay (1) must be at least warmPerDay (2)'],
    ['--lifecycle-rules=coldAfterIdleDays=x', '--lifecycle-rules: `coldAfterIdleDays=x` is no threshold'],
    ['--sweep-budget-usd=-1', '--sweep-budget-usd is a whole number, of at most 1000000000'],
    ['--sweep-most-moves=many', '--sweep-most-moves is a whole number'],
    ['--sweep-most-moves=2GB', '--sweep-most-moves is a whole number'],
    ['--pack-below-percent=101', '--pack-below-percent is a whole number, of at most 100'],
    ['--pack-above-bytes=huge', '--pack-above-bytes is a size'],
    ['--prices=no/such/book.json', '--prices no/such/book.json: Error: ENOENT'],
    ['--prices=package.json', '--prices package.json: PricingError'],
    ['--tier-policy=luck', '--tier-policy is one of rules, dollars, lifecycle'],
  ])('refuses %s before it starts', (arg, message) => {
    expect(() => policiesOf(arg)).toThrow(message);
  });
});
