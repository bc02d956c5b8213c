import { HOUR_MS, MINUTE_MS } from '../../../lib/shared/units.ts';
import { FUNCTIONS } from '../../../functions/index.ts';
import type { Rng } from '../rng.ts';
import type { Capability, Stage } from '../stage.ts';

const POISON = [
  '{',
  '{"schema":"nonsense/1"}',
  '[]',
  `{"schema":"signed/1","keyId":"x","payload":"{}","signature":"${'A'.repeat(86)}"}`,
];

/** What befalls machines, and what strangers send: reboots, pauses, flipped bits, clocks that jump, poison, replayed commands. */
export function strangers({ scheduler, faults, hosts, queues }: Stage, rng: Rng): Capability {
  const life = scheduler.incarnation('strangers');
  /** Messages that a host was once sent: what a stranger could replay. */
  const overheard: string[] = [];

  async function strike(): Promise<void> {
    const host = rng.pick(hosts);
    if (faults.happens('agent-reboot')) host.reboot();
    if (faults.happens('paused-agent')) host.pause(rng.below(12 * MINUTE_MS));
    if (faults.happens('clock-jump')) host.incarnation.skewMs = (rng.number() - 0.5) * 2 * HOUR_MS;
    if (faults.rolls('quota-shrinks') && (await host.shrinkQuota())) faults.count('quota-shrinks');
    if (faults.rolls('bit-flip') && (await host.flipBit())) faults.count('bit-flip');
    if (faults.happens('poison-message')) await queues.send(rng.pick(impatientQueues()), [{ body: rng.pick(POISON) }]);
    await eavesdrop();
  }

  /** Copies of signed commands turn up in the queues of whoever they were not, or no longer, meant for. */
  async function eavesdrop(): Promise<void> {
    for (const host of hosts) {
      const session = host.agent?.session.current();
      if (session === undefined) continue;
      const [message] = await queues.receive(session.queue, 1, 0, 0).catch(() => []);
      if (message !== undefined && overheard.length < 50) overheard.push(message.body);
      if (overheard.length > 0 && faults.happens('duplicate-delivery')) {
        await queues.send(session.queue, [{ body: rng.pick(overheard) }]).catch(() => undefined);
      }
    }
  }

  return {
    act(durationMs) {
      scheduler.spawn(life, async () => {
        const end = scheduler.now + durationMs;
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(MINUTE_MS));
          await strike();
        }
        for (const host of hosts) host.incarnation.skewMs = 0;
      });
    },
  };
}

/** Those where a poisoned message reaches its dead-letter queue within the run. */
function impatientQueues(): string[] {
  return FUNCTIONS.filter(({ timeoutSeconds }) => timeoutSeconds <= 60).flatMap(({ triggers }) =>
    triggers.flatMap((trigger) => (trigger.kind === 'queue' ? [trigger.queue] : [])),
  );
}
