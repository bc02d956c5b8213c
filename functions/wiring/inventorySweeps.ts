import { createStepFunctionsSweeps } from '../../lib/adapters/aws/stepFunctionsSweeps.ts';
import type { FunctionDeps } from '../shared/deps.ts';
import type { AwsEnvironment } from './environment.ts';

export function awsInventorySweeps(environment: AwsEnvironment): Pick<FunctionDeps, 'inventorySweeps'> {
  return { inventorySweeps: createStepFunctionsSweeps(environment.STRATA_SWEEP_STATE_MACHINE_ARN) };
}
