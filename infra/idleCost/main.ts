import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { FUNCTIONS } from '../../functions/index.ts';
import { settingsOf } from '../settings.ts';
import { createStrata } from '../strata.ts';
import { idleCost } from './idleCost.ts';
import { readPrices } from './prices.ts';

// `npm run idle-cost`: what the deployed stacks cost a month when nothing happens, from the templates and list prices.

const outdir = mkdtempSync(join(tmpdir(), 'strata-idle-cost-'));
try {
  const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '../../cdk.json'), 'utf8'));
  const app = new App({ context, outdir });
  const codeOf = () => Code.fromInline('exports.handler = async () => {}');
  const stacks = createStrata(app, { settings: settingsOf(app.node), env: {}, declarations: FUNCTIONS, codeOf });
  const templates = Object.values(stacks).map((stack) => Template.fromStack(stack));
  const countOf = (type: string) =>
    templates.reduce((sum, template) => sum + Object.keys(template.findResources(type)).length, 0);
  const prices = readPrices();
  const lines = idleCost({ countOf, declarations: FUNCTIONS }, prices.usd);
  console.log(prices.note);
  for (const { what, count, usdPerMonth } of lines) {
    console.log(`${what.padEnd(26)} ${count.padStart(24)} ${`$${usdPerMonth.toFixed(2)}`.padStart(8)}`);
  }
  const total = lines.reduce((sum, { usdPerMonth }) => sum + usdPerMonth, 0);
  console.log(`${'a month'.padEnd(51)} ${`$${total.toFixed(2)}`.padStart(8)}`);
} finally {
  rmSync(outdir, { recursive: true });
}
