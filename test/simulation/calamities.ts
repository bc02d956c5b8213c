import { ReplicaRow } from '../../lib/catalog/index.ts';
import type { SqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import { commandHost, type OperatorCommand, type OperatorDeps } from '../../lib/fleet/index.ts';
import { CorrelationId } from '../../lib/shared/ids.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { Bytes, HOUR_MS, MINUTE_MS } from '../../lib/shared/units.ts';
import type { Faults } from './faults.ts';
import type { SimulatedHost } from './hosts.ts';
import type { Rng } from './rng.ts';
import type { Incarnation, Scheduler } from './scheduler.ts';
import type { Counters } from './watch.ts';

export interface CalamitiesOptions {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly counters: Counters;
  readonly rng: Rng;
  readonly hosts: readonly SimulatedHost[];
  readonly queues: SqliteQueues;
  readonly catalog: CatalogStore;
  readonly operator: (incarnation: Incarnation) => OperatorDeps;
  readonly functionQueues: readonly string[];
  readonly capacityBytes: number;
  readonly woken: () => void;
}

/** What operators, machines and strangers do to the fleet while models come in. */
export function startCalamities(options: CalamitiesOptions, durationMs: number): void {
  const { scheduler, rng } = options;
  const world = scheduler.incarnation('calamities');
  /** Messages that a host was once sent: what a stranger could replay. */
  const overheard: string[] = [];
  scheduler.spawn(world, async () => {
    const end = scheduler.now + durationMs;
    while (scheduler.now < end) {
      await scheduler.sleep(world, rng.below(MINUTE_MS));
      await strike(options, world, overheard);
      options.woken();
    }
    for (const host of options.hosts) host.incarnation.skewMs = 0;
  });
}

async function strike(options: CalamitiesOptions, world: Incarnation, overheard: string[]): Promise<void> {
  const { faults, rng, hosts, queues } = options;
  const host = rng.pick(hosts);
  if (faults.happens('agent-reboot')) host.reboot();
  if (faults.happens('paused-agent')) host.pause(rng.below(12 * MINUTE_MS));
  if (faults.happens('clock-jump')) host.incarnation.skewMs = (rng.number() - 0.5) * 2 * HOUR_MS;
  if (faults.happens('bit-flip') && !(await host.flipBit()))
    faults.counts.set('bit-flip', (faults.counts.get('bit-flip') ?? 1) - 1);
  if (faults.happens('poison-message')) {
    const poison = rng.pick([
      '{',
      '{"schema":"nonsense/1"}',
      '[]',
      '{"schema":"signed/1","keyId":"x","payload":"{}","signature":"' + 'A'.repeat(86) + '"}',
    ]);
    await queues.send(rng.pick(options.functionQueues), [{ body: poison }]);
  }
  await eavesdrop(options, overheard);
  if (faults.happens('evict-fill-race')) await command(options, world, host);
}

/** Copies of signed commands turn up in the queues of whoever they were not, or no longer, meant for. */
async function eavesdrop({ queues, hosts, rng, faults }: CalamitiesOptions, overheard: string[]): Promise<void> {
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

async function command(options: CalamitiesOptions, world: Incarnation, host: SimulatedHost): Promise<void> {
  const { rng, catalog, counters } = options;
  const page = await catalog.queryIndex('listing', { partition: `HOSTBLOBS#${host.id}`, limit: 100 });
  const digests = page.items.map((item) => ReplicaRow.parse(item).value.digest);
  const digest = digests.length === 0 ? undefined : rng.pick(digests);
  const wish: OperatorCommand =
    digest === undefined || rng.chance(0.2)
      ? rng.pick<OperatorCommand>([
          { type: 'report' },
          { type: 'report' },
          {
            type: 'resize',
            capacityBytes: Bytes.parse(Math.floor(options.capacityBytes * (0.3 + 0.7 * rng.number()))),
          },
        ])
      : { type: rng.pick(['evict', 'evict', 'evict', 'verify', 'pin', 'unpin', 'unpin'] as const), digest };
  try {
    const answer = await commandHost(options.operator(world), {
      host: host.id,
      command: wish,
      correlationId: CorrelationId.parse(`operator-${rng.uint32()}`),
    });
    counters.count(`operator ${wish.type}: ${answer.outcome === 'refused' ? answer.reason : answer.outcome}`);
  } catch {
    counters.count(`operator ${wish.type}: no answer`);
  }
}
