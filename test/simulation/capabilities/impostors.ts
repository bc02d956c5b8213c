import { createHostApiHandler } from '../../../functions/host-api/handler.ts';
import { createContext } from '../../../functions/shared/invocation.ts';
import { HostRow } from '../../../lib/catalog/index.ts';
import { createJoinToken } from '../../../lib/fleet/index.ts';
import { type HostId, HostPattern } from '../../../lib/shared/ids.ts';
import { HOUR_MS, MINUTE_MS } from '../../../lib/shared/units.ts';
import { httpEvent } from '../../../runtime/envelopes.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** Of one who has a right, but not to this name: it must never be a host's. */
const STRANGER_KEY = 'stranger'.padEnd(43, '-');
/** Of one who has stolen the very identity of a host: it must never take a name from a host that is in service. */
const THIEF_KEY = 'thief'.padEnd(43, '-');

const arnOf = (session: string) => `arn:aws:sts::000000000000:assumed-role/agent/${session}`;

/** Someone registers in a host's name, by an identity or a token of another host, or by the host's own stolen identity. */
export function impostors(stage: Stage, rng: Rng): Capability {
  const { catalog, counters, faults, hosts, scheduler } = stage;
  const life = scheduler.incarnation('impostors');
  const read = rowReader(HostRow);

  async function call(path: string, body: object, callerArn?: string): Promise<number> {
    const handler = createHostApiHandler(stage.depsOf(life));
    const request = { method: 'POST', path, query: '', headers: {}, body: JSON.stringify(body) };
    const event = httpEvent(callerArn === undefined ? request : { ...request, callerArn });
    const context = createContext({ functionName: 'host-api', requestId: 'impostor', remainingMs: () => MINUTE_MS });
    return (await handler(event, context)).statusCode;
  }

  async function impersonate(host: HostId): Promise<void> {
    const way = rng.pick(['foreign identity', 'foreign token', 'stolen identity'] as const);
    const state = (await HostRow.get(catalog, host))?.value.state;
    // A host that is away has no key to defend its name with.
    if (way === 'stolen identity' && state !== 'active' && state !== 'draining') return;
    const publicKey = way === 'stolen identity' ? THIEF_KEY : STRANGER_KEY;
    const request = { protocols: [1], host, publicKey, labels: {}, subscriptions: [], capacityBytes: 0 };
    const ask = async () => {
      if (way !== 'foreign token') return call('/v1/hosts', request, arnOf(way === 'stolen identity' ? host : 'other'));
      const deps = { catalog, clock: scheduler.clockOf(life), random: rng.asRandom() };
      const terms = { hosts: HostPattern.parse('other'), uses: 1, ttlMs: HOUR_MS };
      return call('/v1/hosts/join', { ...request, joinToken: (await createJoinToken(deps, terms)).token });
    };
    const answer = await ask().catch(() => 'no answer');
    counters.count(`impostor, ${way}: ${answer}`);
  }

  /** A name passes to another key only where its host proves itself, or is gone. */
  function onHost({ key, before, after }: RowChange): void {
    if (after === undefined) return;
    const { publicKey } = read(after);
    const was = before === undefined ? undefined : read(before);
    if (publicKey === was?.publicKey) return;
    if (publicKey === STRANGER_KEY) violated(`${key.partition}: a stranger took the name.`);
    const inService = was?.state === 'active' || was?.state === 'draining';
    if (publicKey === THIEF_KEY && inService)
      violated(`${key.partition}: a host in service was pushed out of its name.`);
  }

  return {
    act(durationMs) {
      scheduler.spawn(life, async () => {
        const end = scheduler.now + durationMs;
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(MINUTE_MS));
          if (faults.happens('impostor')) await impersonate(rng.pick(hosts).id);
        }
      });
    },
    onRow(change) {
      if (change.key.partition.startsWith('HOST#')) onHost(change);
    },
  };
}
