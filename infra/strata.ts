import { Annotations, type App, type Environment, Tags } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { FunctionDeclaration } from '../functions/shared/declaration.ts';
import { type StrataSettings, whyNotDeployed } from './settings.ts';
import { ComputeStack } from './stacks/computeStack.ts';
import { DataStack } from './stacks/dataStack.ts';
import { EventsStack } from './stacks/eventsStack.ts';
import { ObservabilityStack } from './stacks/observabilityStack.ts';

export interface StrataProps {
  readonly settings: StrataSettings;
  readonly env: Environment;
  readonly declarations: readonly FunctionDeclaration[];
  readonly codeOf: (functionName: string) => Code;
}

export interface StrataStacks {
  readonly data: DataStack;
  readonly observability: ObservabilityStack;
  readonly compute: ComputeStack;
  readonly events: EventsStack;
}

/** The whole of Strata in one region: data ← observability ← compute ← events. */
export function createStrata(app: App, props: StrataProps): StrataStacks {
  const { declarations, env, settings } = props;
  const name = (part: string) => `${settings.prefix}-${part}`;
  const data = new DataStack(app, 'Data', { stackName: name('data'), env, settings });
  const observability = new ObservabilityStack(app, 'Observability', {
    stackName: name('observability'),
    env,
    settings,
    data,
    declarations,
  });
  const compute = new ComputeStack(app, 'Compute', {
    stackName: name('compute'),
    env,
    settings,
    data,
    observability,
    declarations,
    codeOf: props.codeOf,
  });
  const events = new EventsStack(app, 'Events', {
    stackName: name('events'),
    env,
    settings,
    bucketName: data.bucket.bucket.bucketName,
    deployed: compute.deployed,
  });
  Tags.of(app).add('application', settings.prefix);
  const refusal = whyNotDeployed(settings);
  // Of each stack, since each can be deployed alone. `cdk deploy` and `synth` fail by it, `cdk destroy` does not.
  if (refusal !== undefined) {
    for (const stack of [data, observability, compute, events]) Annotations.of(stack).addError(refusal);
  }
  return { data, observability, compute, events };
}
