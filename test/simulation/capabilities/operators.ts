import { HostRow, ReplicaRow } from '../../../lib/catalog/index.ts';
import { commandHost, type OperatorCommand } from '../../../lib/fleet/index.ts';
import { CorrelationId, type Digest } from '../../../lib/shared/ids.ts';
import { Bytes, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import type { Focus } from '../focus.ts';
import type { SimulatedHost } from '../hosts.ts';
import type { Rng } from '../rng.ts';
import type { Capability, Stage } from '../stage.ts';

const WISHES = ['evict', 'evict', 'evict', 'verify', 'pin', 'pin', 'unpin', 'unpin'] as const;
/** Where runs concentrate on pins. */
const PINS = ['pin', 'pin', 'pin', 'verify', 'verify', 'unpin'] as const;
/** Where operators are busy. */
const BUSY: ReadonlySet<Focus> = new Set(['pins', 'generations']);

/** Operators command hosts, mostly to do what the plane is about to undo. */
export function operators(stage: Stage, rng: Rng): Capability {
  const { scheduler, faults, focus, hosts, catalog, counters, hostCapacity } = stage;
  const life = scheduler.incarnation('operators');
  /** The blob that an operator was last concerned with: they seldom leave it at one command. */
  let last: Digest | undefined;
  const restMs = focus !== undefined && BUSY.has(focus) ? 6 * SECOND_MS : 40 * SECOND_MS;

  async function wishFor(host: SimulatedHost): Promise<OperatorCommand> {
    const page = await catalog.queryIndex('listing', { partition: `HOSTBLOBS#${host.id}`, limit: 100 });
    const digests = page.items.map((item) => ReplicaRow.parse(item).value.digest);
    if (digests.length === 0 || rng.chance(focus === 'pins' ? 0 : 0.3)) {
      const capacityBytes = Bytes.parse(Math.floor(hostCapacity * (0.15 + 0.5 * rng.number())));
      return rng.pick<OperatorCommand>([{ type: 'report' }, { type: 'resize', capacityBytes }]);
    }
    const type = rng.pick(focus === 'pins' ? PINS : WISHES);
    last = last !== undefined && rng.chance(0.5) ? last : rng.pick(digests);
    return { type, digest: last };
  }

  async function command(host: SimulatedHost): Promise<void> {
    const wish = await wishFor(host);
    await send(host, wish);
  }

  async function send(host: SimulatedHost, wish: OperatorCommand): Promise<void> {
    try {
      const answer = await commandHost(stage.depsOf(life), {
        host: host.id,
        command: wish,
        correlationId: CorrelationId.parse(`operator-${rng.uint32()}`),
      });
      counters.count(`operator ${wish.type}: ${answer.outcome === 'refused' ? answer.reason : answer.outcome}`);
    } catch {
      counters.count(`operator ${wish.type}: no answer`);
    }
  }

  /** Takes a host out of service, until it is empty; then it is started again and joins anew. */
  async function drain(host: SimulatedHost): Promise<void> {
    await send(host, { type: 'drain' });
    for (let minutes = 1; ; minutes += 1) {
      await scheduler.sleep(life, MINUTE_MS);
      const state = (await HostRow.get(catalog, host.id))?.value.state;
      if (state === 'active') return;
      if (state === 'retired') return host.reboot();
      // The command may have expired with a host that was away.
      if (minutes % 20 === 0) await send(host, { type: 'drain' });
    }
  }

  return {
    act(durationMs) {
      if (rng.chance(0.15)) {
        scheduler.spawn(life, async () => {
          await scheduler.sleep(life, rng.below(durationMs));
          await drain(rng.pick(hosts));
        });
      }
      scheduler.spawn(life, async () => {
        const end = scheduler.now + durationMs;
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(restMs));
          if (faults.happens('evict-fill-race')) await command(rng.pick(hosts));
        }
      });
    },
  };
}
