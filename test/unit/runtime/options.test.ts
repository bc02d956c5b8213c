import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../../runtime/start/options.ts';

function policiesOf(...args: string[]) {
  const options = parseOptions(args, {});
  if (options === 'help') return expect.fail('no help was asked for');
  return options.policies;
}

describe('npm start', () => {
  it('takes other thresholds of both presets', () => {
    const { lifecycleRules, tierRules } = policiesOf(
      '--tier-rules=archiveAgeDays=1095',
      '--lifecycle-rules=coldAfterIdleDays=60',
    );
    expect([tierRules.archiveAgeDays, lifecycleRules.coldAfterIdleDays]).toEqual([1095, 60]);
    expect(policiesOf()).toMatchObject({ tierRules: { version: 'rules-1' } });
  });

  it.each([
    ['--tier-rules=archiveAgeDay=1', '--tier-rules: `archiveAgeDay=1` is no threshold'],
    ['--tier-rules=warmPerDay=2', '--tier-rules: hotPerDay (1) must be at least warmPerDay (2)'],
    ['--lifecycle-rules=coldAfterIdleDays=x', '--lifecycle-rules: `coldAfterIdleDays=x` is no threshold'],
    ['--tier-policy=luck', '--tier-policy is one of rules, dollars, lifecycle'],
  ])('refuses %s before it starts', (arg, message) => {
    expect(() => policiesOf(arg)).toThrow(message);
  });
});
