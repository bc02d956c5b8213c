import { describe } from 'vitest';
import { missing } from '../support/aws.ts';
import { createAwsStage } from './awsStage.ts';
import { hostPath } from './hostPath.ts';
import { lifecyclePath } from './lifecyclePath.ts';
import { mainPath } from './mainPath.ts';

const skipped = missing('ministack');

describe.skipIf(skipped !== undefined)(`AWS ${skipped ?? ''}`, () => {
  mainPath('in the deployed stacks', createAwsStage);
  hostPath('in the deployed stacks', createAwsStage);
  lifecyclePath('in the deployed stacks', createAwsStage);
});
