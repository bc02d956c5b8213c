import { createSqsClient } from '../../lib/adapters/aws/clients.ts';
import { createSqsQueueAdmin, createSqsReceiver, createSqsSender } from '../../lib/adapters/aws/sqsQueues.ts';
import { HOST_QUEUE_RETENTION_SECONDS } from '../shared/declaration.ts';
import type { FunctionDeps } from '../shared/deps.ts';
import type { AwsEnvironment } from './environment.ts';

export function awsSender(environment: AwsEnvironment): Pick<FunctionDeps, 'sender'> {
  return { sender: createSqsSender({ client: createSqsClient(), urlPrefix: environment.STRATA_QUEUE_URL_PREFIX }) };
}

export function awsMessages(environment: AwsEnvironment): Pick<FunctionDeps, 'messages'> {
  return { messages: createSqsReceiver({ client: createSqsClient(), urlPrefix: environment.STRATA_QUEUE_URL_PREFIX }) };
}

/** Commands expire before the queue forgets them; a command that kills its agent five times is poison. */
export function awsHostQueues(environment: AwsEnvironment): Pick<FunctionDeps, 'queues'> {
  return {
    queues: createSqsQueueAdmin({
      client: createSqsClient(),
      urlPrefix: environment.STRATA_QUEUE_URL_PREFIX,
      deadLetterArn: environment.STRATA_HOST_DEAD_LETTER_ARN,
      maxReceiveCount: 5,
      retentionSeconds: HOST_QUEUE_RETENTION_SECONDS,
      visibilitySeconds: 60,
    }),
  };
}
