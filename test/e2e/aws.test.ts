import { afterAll, beforeAll, describe } from 'vitest';
import { missing } from '../support/aws.ts';
import { createAwsStage } from './awsStage.ts';
import { hostPath } from './hostPath.ts';
import type { HostStage } from './hostStage.ts';
import { lifecyclePath } from './lifecyclePath.ts';
import { mainPath } from './mainPath.ts';

const skipped = missing('ministack');

// One deployment for all of them, as in a real account: what a path leaves behind is there when the next one begins.
describe.skipIf(skipped !== undefined)(`AWS ${skipped ?? ''}`, () => {
  let deployed: HostStage | undefined;
  beforeAll(async () => {
    deployed = await createAwsStage();
  }, 240_000);
  afterAll(() => deployed?.stop());
  async function stage(): Promise<HostStage> {
    if (deployed === undefined) throw new Error('The stacks are not deployed.');
    return { ...deployed, stop: async () => undefined };
  }

  mainPath('in the deployed stacks', stage);
  lifecyclePath('in the deployed stacks', stage);
  hostPath('in the deployed stacks', stage);
});
