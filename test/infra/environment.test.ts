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
    ['prefix', 'seventeen-letters'],
    ['teardown', 'sometimes'],
    ['logRetentionDays', '31'],
    ['noncurrentVersionDays', '0'],
    ['maxUploadBytes', 'many'],
    ['scanPolicy', '{"formats":"gguf"}'],
    ['scanPolicy', '{"allowSuspicious":false,"formats":["safetensor"]}'],
    ['scanPolicy', '{"allowSuspicious":false,"maxBytes":0}'],
    ['heartbeatSeconds', '0.5'],
    ['silentAfterSeconds', '1'],
    ['silentAfterSeconds', '89'],
    ['commandTtlSeconds', '9'],
    ['commandTtlSeconds', '345601'],
    ['alarmEmail', 'ops'],
    ['alarmEmail', 'ops@example.com,other@example.com'],
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

  it.each(['models-', 'models--two', 'strata-host', 'strata-host-two'])(
    'lets nothing more be deployed under the prefix %s, and what was be destroyed',
    (prefix) => {
      for (const stack of Object.values(synthesize({ prefix }).stacks)) {
        expect(stack.node.metadata).toContainEqual(
          expect.objectContaining({ type: 'aws:cdk:error', data: expect.stringContaining('-c prefix must be') }),
        );
      }
    },
  );

  it('judges how long a host may be silent by how often it reports', () => {
    expect(() => synthesize({ heartbeatSeconds: '300' })).toThrow('-c silentAfterSeconds must be');
    expect(synthesize({ heartbeatSeconds: '300', silentAfterSeconds: '900' }).settings.heartbeatSeconds).toBe(300);
  });

  it('refuses a setting that is none, and lets the context of the CDK be', () => {
    expect(() => synthesize({ tierSweeep: 'off' })).toThrow('There is no setting -c tierSweeep');
    expect(() => synthesize({ 'aws:cdk:version-reporting': 'x', 'acknowledged-issue-numbers': 'x' })).not.toThrow();
  });

  it('refuses more text than the environment of a function holds', () => {
    const roles = Array.from({ length: 30 }, (_, n) => `arn:aws:iam::123456789012:role/${'r'.repeat(40)}${n}`);
    expect(() => synthesize({ hostRoles: roles.join(',') })).toThrow('2000 bytes of JSON');
    const licences = Array.from({ length: 230 }, (_, n) => `l${n}`);
    const scanPolicy = JSON.stringify({ allowSuspicious: false, licences });
    expect(scanPolicy.length).toBeLessThan(2000);
    expect(() => synthesize({ scanPolicy })).toThrow('2000 bytes of JSON');
    const environments = synthesize({ hostRoles: roles.slice(0, 25).join(',') }).of('AWS::Lambda::Function');
    for (const { properties } of environments) {
      const variables = Object.entries(properties['Environment'].Variables);
      // A reference becomes an ARN or a URL of at most 200 characters.
      const bytes = variables.map(
        ([name, value]) => name.length + 4 + (typeof value === 'string' ? JSON.stringify(value).length : 202),
      );
      expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(4096);
    }
  });
});
