import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import { FUNCTIONS } from '../../../functions/index.ts';
import type { Rng } from '../rng.ts';
import type { Capability, Stage } from '../stage.ts';

const MOST_OVERHEARD = 20;

const POISON = [
  '{',
  '{"schema":"nonsense/1"}',
  '[]',
  `{"schema":"signed/1","keyId":"x","payload":"{}","signature":"${'A'.repeat(86)}"}`,
];

/** What befalls machines, and what strangers send: reboots, pauses, flipped bits, clocks that jump, poison, replayed commands. */
export function strangers({ scheduler, faults, focus, hosts, queues, sent }: Stage, rng: Rng): Capability {
  const life = scheduler.incarnation('strangers');
  /** Messages that a host was once sent: what a stranger could replay. */
  const overheard: string[] = [];
  const queueOf = new Map<string, string>();
  const restMs = focus === 'pins' || focus === 'generations' ? 10 * SECOND_MS : 40 * SECOND_MS;

  async function strike(): Promise<void> {
    const host = rng.pick(hosts);
    if (faults.happens('agent-reboot')) host.reboot();
    if (faults.happens('machine-replaced')) await host.replace();
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
      const queue = host.agent?.session.current()?.queue;
      const before = queueOf.get(host.id) ?? queue;
      if (before === undefined) continue;
      const messages = await queues.receive(before, 10, 0, 0).catch(() => []);
      const heard = focus === 'generations' ? sentTo(before) : messages.map(({ body }) => body);
      for (const body of heard) if (!overheard.includes(body)) overheard.push(body);
      overheard.splice(0, overheard.length - MOST_OVERHEARD);
      if (queue === undefined) continue;
      queueOf.set(host.id, queue);
      // A new generation meets what was sent to the one before.
      const again = queue === before ? [rng.pick(overheard)] : overheard;
      if (queue !== before || faults.happens('duplicate-delivery')) await replay(queue, again);
    }
  }

  /** The newest of all that it was ever sent. */
  function sentTo(queue: string): readonly string[] {
    return [...sent]
      .filter((message) => message.startsWith(`${queue} `))
      .map((message) => message.slice(queue.length + 1))
      .slice(-MOST_OVERHEARD);
  }

  async function replay(queue: string, bodies: readonly (string | undefined)[]): Promise<void> {
    const messages = bodies.flatMap((body) => (body === undefined ? [] : [{ body }]));
    for (const message of messages) await queues.send(queue, [message]).catch(() => undefined);
  }

  return {
    act(durationMs) {
      scheduler.spawn(life, async () => {
        const end = scheduler.now + durationMs;
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(restMs));
          await strike();
        }
        for (const host of hosts) host.incarnation.skewMs = 0;
        if (focus === 'generations') await rng.pick(hosts).replace();
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
