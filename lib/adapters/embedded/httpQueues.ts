import type { MessageReceiver, MessageSender } from '../../shared/ports/messageQueue.ts';
import { checkReceive, checkSend, checkVisibility } from '../queueCalls.ts';
import { type AgentClientOptions, callRuntime, readAnswer } from './agentClient.ts';
import { ReceiveAnswer } from './agentProtocol.ts';

/** The queues of an embedded runtime as its agents see them: their own queue, and those that hosts report to. */
export function createHttpQueues(options: AgentClientOptions): MessageSender & MessageReceiver {
  const call = (queue: string, verb: string, body: unknown) =>
    callRuntime(options, `/agent/queues/${encodeURIComponent(queue)}/${verb}`, body);

  return {
    async send(queue, messages) {
      checkSend(messages);
      await call(queue, 'send', { messages });
    },
    async receive(queue, max, waitSeconds, visibilitySeconds) {
      checkReceive(max, waitSeconds, visibilitySeconds);
      const response = await call(queue, 'receive', { max, waitSeconds, visibilitySeconds });
      return readAnswer(response, ReceiveAnswer);
    },
    async remove(queue, receiptHandle) {
      await call(queue, 'remove', { receiptHandle });
    },
    async changeVisibility(queue, receiptHandle, visibilitySeconds) {
      checkVisibility(visibilitySeconds);
      await call(queue, 'visibility', { receiptHandle, visibilitySeconds });
    },
  };
}
