import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { FunctionSchedule } from '../capabilities/functionSchedule.ts';
import { ObjectEventRule } from '../capabilities/objectEventRule.ts';
import type { StrataSettings } from '../settings.ts';
import type { Deployed } from './computeStack.ts';

export interface EventsStackProps extends StackProps {
  readonly settings: StrataSettings;
  readonly bucketName: string;
  readonly deployed: readonly Deployed[];
}

/** What sets the functions going from outside: the bucket's events and the clock. Deployed last: nothing starts half a system. */
export class EventsStack extends Stack {
  constructor(scope: Construct, id: string, props: EventsStackProps) {
    super(scope, id, props);
    const { prefix } = props.settings;
    for (const { declaration, queue, worker } of props.deployed) {
      for (const trigger of declaration.triggers) {
        if (trigger.kind === 'queue' && trigger.objectEvents !== undefined && queue !== undefined) {
          new ObjectEventRule(this, `${declaration.name}-objects`, {
            prefix,
            functionName: declaration.name,
            bucketName: props.bucketName,
            route: trigger.objectEvents,
            queue: queue.queue,
            deadLetters: queue.deadLetters.queue,
          });
        }
        if (trigger.kind === 'schedule' && worker.scheduleDeadLetters !== undefined) {
          new FunctionSchedule(this, `${declaration.name}-${trigger.schedule}`, {
            prefix,
            declaration,
            trigger,
            function: worker.function,
            deadLetters: worker.scheduleDeadLetters.queue,
          });
        }
      }
    }
  }
}
