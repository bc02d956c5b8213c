import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FUNCTIONS } from '../../functions/index.ts';
import { runbookOf } from '../../infra/runbooks/runbook.ts';
import { synthesizedByDefault } from './templates.ts';

const file = (name: string) => join(import.meta.dirname, '../../docs/runbooks', `${name}.md`);

describe('runbooks', () => {
  it.each(FUNCTIONS.map(({ name }) => name))(
    'of %s is what its declaration says (npm run runbooks writes it)',
    (name) => {
      const declaration = FUNCTIONS.find((one) => one.name === name);
      expect(declaration && readFileSync(file(name), 'utf8')).toBe(declaration && runbookOf(declaration));
    },
  );

  it('name every alarm that names them', () => {
    for (const { properties } of synthesizedByDefault().of('AWS::CloudWatch::Alarm')) {
      const [, runbook = ''] = /docs\/runbooks\/([a-z-]+)\.md$/.exec(properties['AlarmDescription']) ?? [];
      expect(existsSync(file(runbook)), `${properties['AlarmName']} → ${runbook}`).toBe(true);
      expect(readFileSync(file(runbook), 'utf8')).toContain(`\`${properties['AlarmName']}\``);
    }
  });
});
