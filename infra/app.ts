import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';
import { FUNCTIONS } from '../functions/index.ts';
import { bundleFunctions } from './bundle.ts';
import { settingsOf } from './settings.ts';
import { createStrata } from './strata.ts';

const app = new App();
const bundles = join(app.outdir, 'bundles');
const settings = settingsOf(app.node);
bundleFunctions(
  FUNCTIONS.map((declaration) => declaration.name),
  bundles,
  settings.priceBook,
);
createStrata(app, {
  settings,
  env: { account: process.env['CDK_DEFAULT_ACCOUNT'], region: process.env['CDK_DEFAULT_REGION'] },
  declarations: FUNCTIONS,
  codeOf: (name) => Code.fromAsset(join(bundles, name)),
});
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
