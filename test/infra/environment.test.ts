import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { synthesize, synthesizedByDefault } from './templates.ts';

const document = readFileSync(join(import.meta.dirname, '../../docs/environment.md'), 'utf8');

describe('docs/environment.md', () => {
  it('names every variable that functions get', () => {
    for (const { properties } of synthesizedByDefault().of('AWS::Lambda::Function')) {
      for (const name of Object.keys(properties['Environment'].Variables)) expect(document).toContain(`\`${name}\``);
    }
  });

  it.each([
    ['prefix', 'UPPER'],
    ['teardown', 'sometimes'],
    ['logRetentionDays', '31'],
    ['noncurrentVersionDays', '0'],
    ['maxUploadBytes', 'many'],
    ['scanPolicy', '{"formats":"gguf"}'],
    ['heartbeatSeconds', '0.5'],
    ['silentAfterSeconds', '1'],
    ['commandTtlSeconds', '9'],
    ['tierSweep', 'maybe'],
    ['orphanSweep', 'true'],
    ['placementPolicy', 'luck'],
    ['tierPolicy', 'luck'],
    ['lifecycleDeletes', 'off'],
    ['lifecycleMostDeletes', '-1'],
    ['lifecycleMostDeleteBytes', 'all'],
    ['lifecycleRules', 'coldAfterIdleDays'],
    ['lifecycleRules', 'luck=1'],
    ['tierRules', 'archiveAgeDays=300'],
    ['tierRules', 'hotPerDay=never'],
    ['sweepBudgetUsd', '-1'],
    ['sweepMostMoves', 'many'],
    ['restoreBudgetUsdPerDay', '-1'],
    ['restoresPerHour', 'many'],
    ['sweepInventoryFrom', '-1'],
    ['tierPacking', 'yes'],
    ['orphanGraceHours', '23'],
    ['uploadSweep', 'true'],
    ['uploadGraceHours', '0'],
    ['refusedKeepDays', '0'],
    ['auditRetentionDays', '0'],
    ['priceLists', 'http://prices.example'],
    ['priceBook', 'no/such/book.json'],
    ['priceBook', 'package.json'],
  ])('names the setting %s, whose value %s is refused', (name, wrong) => {
    expect(document).toContain(`| \`${name}\` |`);
    expect(() => synthesize({ [name]: wrong })).toThrow(`-c ${name} must be`);
  });
});
