import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { SECOND_MS } from '../../lib/shared/units.ts';
import { createManualClock } from '../support/manualClock.ts';
import { createMemQueues } from '../support/memQueues.ts';
import { messageQueueContract, queueAdminContract } from './messageQueue.suite.ts';

function prepare() {
  const manual = createManualClock();
  // Who waits for a message lets the time pass.
  const clock = { now: () => manual.now(), sleep: (ms: number) => manual.advance(ms) };
  return { queues: createMemQueues({ clock, random: nodeRandom }), clock: manual };
}

messageQueueContract('The queues in memory', async () => {
  const { queues, clock } = prepare();
  return {
    queues,
    newQueue: async () => {
      queues.define('letters-dlq');
      queues.define('letters', { redrive: { maxReceiveCount: 2, deadLetter: 'letters-dlq' } });
      return { queue: 'letters', deadLetter: 'letters-dlq' };
    },
    pass: (seconds) => clock.advance(seconds * SECOND_MS),
  };
});

let names = 0;
queueAdminContract('The queues in memory', async () => {
  names += 1;
  return { queues: prepare().queues, freshName: () => `host-h-${names}` };
});
