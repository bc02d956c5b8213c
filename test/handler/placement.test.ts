import { describe, expect, it } from 'vitest';
import { ActionRow, BlobRow } from '../../lib/catalog/index.ts';
import { replayPlacement } from '../../lib/fleet/index.ts';
import { compileRates, SUBSCRIPTIONS } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { Bytes, GIB } from '../../lib/shared/units.ts';
import { createFleetWorld, digestOf } from '../support/fleetWorld.ts';

async function worldWithHosts(names: readonly string[], wrap?: (store: CatalogStore) => CatalogStore) {
  const world = createFleetWorld(wrap);
  const hosts = [];
  for (const name of names) {
    const host = await world.addHost(name);
    await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
    hosts.push(host);
  }
  await world.run();
  return { world, hosts };
}

describe('placing a published model', () => {
  it('commands every subscribed host, and reserves bytes and origin before the command can be sent', async () => {
    const { world } = await worldWithHosts(['gpu-a', 'gpu-b']);
    await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
    for (const name of ['gpu-a', 'gpu-b']) {
      expect(await world.replica('a', name)).toMatchObject({ state: 'reserved', bytes: GIB, versionId: 'a-v1' });
      expect((await world.host(name))?.promisedBytes).toBe(GIB);
    }
    const commands = await world.run();
    expect(commands.map((command) => command.host).toSorted()).toEqual(['gpu-a', 'gpu-b']);
    expect(commands[0]?.command).toMatchObject({
      type: 'prefetch',
      digest: digestOf('a'),
      size: GIB,
      origin: { key: `blobs/${digestOf('a')}`, versionId: 'a-v1' },
      entries: [{ model: 'sdxl', version: '1.0.0', file: 'sdxl.safetensors', kind: 'checkpoints', role: 'weights' }],
    });
  });

  it('tells hosts in which class the object lies', async () => {
    const world = createFleetWorld();
    const host = await world.addHost('gpu-a', { protocols: [3] });
    await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
    await world.run();
    await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
    expect((await world.run())[0]?.command).toMatchObject({ origin: { versionId: 'a-v1', storageClass: 'STANDARD' } });
  });

  it('leaves to messages of their own the shards of hosts that its time does not suffice for', async () => {
    const { world } = await worldWithHosts(['gpu-a', 'gpu-b', 'gpu-c']);
    const message = await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' });
    let calls = 0;
    const runsOut = () => {
      calls += 1;
      return calls > 2 ? 10_000 : 60_000;
    };
    await world.deliver('placement', message, runsOut);
    expect(world.counted('PlacementDecided', 'subscribed')).toBeLessThan(3);
    const commands = await world.run();
    expect(commands.map((command) => command.host).toSorted()).toEqual(['gpu-a', 'gpu-b', 'gpu-c']);
  });

  it('commands nothing twice when the message comes three times', async () => {
    const { world } = await worldWithHosts(['gpu-a']);
    const message = await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' });
    for (let times = 0; times < 3; times += 1) await world.deliver('placement', message);
    expect(await world.run()).toHaveLength(1);
    expect((await world.host('gpu-a'))?.promisedBytes).toBe(GIB);
    expect(world.counted('PlacementDecided', 'already-filling')).toBe(2);
  });

  it('keeps a receipt of the decision that replays to the same decision', async () => {
    const { world } = await worldWithHosts(['gpu-a']);
    await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
    const [command] = await world.run();
    const action = await world.action(command!.actionId);
    const rates = compileRates(shippedPriceBook());
    expect(action).toMatchObject({ state: 'pending', reason: 'subscribed', chosen: 'prefetch', model: 'sdxl' });
    expect(action?.policy).toBe(`subscriptions-1 ${rates.prices.id}`);
    const replayed = replayPlacement(action!.inputs, SUBSCRIPTIONS, rates);
    expect(replayed).toMatchObject({ kind: 'prefetch', reason: 'subscribed', host: 'gpu-a' });
    expect(replayed?.alternatives.map(({ kind, usd }) => ({ action: kind, usd }))).toEqual(action?.alternatives);
  });

  it.each([
    ['of another verdict than clean', { status: 'suspicious' as const }, 'not-clean'],
    ['judged by other rules than today’s', { rules: 'rules-of-yesterday' }, 'stale-rules'],
  ])('never commands content %s', async (_name, over, reason) => {
    const { world } = await worldWithHosts(['gpu-a']);
    const findings = { status: 'clean' as const, rules: '', format: 'x', kind: 'other' as const, reasons: [] };
    const message = await world.publish('sdxl', '1.0.0', { 'a.bin': 'a' }, { findings: { ...findings, ...over } });
    await world.deliver('placement', message);
    expect(await world.run()).toEqual([]);
    expect(world.counted('PlacementDecided', reason)).toBe(1);
  });

  it('refuses the whole version when one of its files may not be served', async () => {
    const { world } = await worldWithHosts(['gpu-a']);
    const findings = { status: 'invalid' as const, rules: 'r', format: 'x', kind: 'other' as const, reasons: [] };
    await world.publish('other', '1.0.0', { 'b.bin': 'b' }, { findings });
    await world.takeOutbox();
    await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'a.safetensors': 'a', 'b.bin': 'b' }));
    expect(await world.run()).toEqual([]);
  });

  it('promises no byte that a host does not have: what is promised counts before it is fetched', async () => {
    const { world, hosts } = await worldWithHosts(['gpu-a']);
    const capacityBytes = Bytes.parse(2.5 * GIB);
    await world.deliver('heartbeats', hosts[0]!.heartbeat({ capacityBytes }));
    for (const letter of ['a', 'b', 'c']) {
      await world.deliver('placement', await world.publish(`m-${letter}`, '1.0.0', { 'x.safetensors': letter }));
    }
    expect(await world.run()).toHaveLength(2);
    expect(await world.replica('c', 'gpu-a')).toBeUndefined();
    expect((await world.host('gpu-a'))?.promisedBytes).toBe(2 * GIB);
    expect(world.counted('PlacementDecided', 'no-room')).toBe(1);
  });

  it('gives nothing to a host that has not reported its room, and all it wants after its first heartbeat', async () => {
    const world = createFleetWorld();
    const host = await world.addHost('gpu-a');
    await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
    expect(await world.run()).toEqual([]);
    await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
    expect(await world.run()).toHaveLength(1);
  });

  it('reaches every host of a fleet larger than one message takes', async () => {
    const names = Array.from({ length: 95 }, (_, index) => `gpu-${String(index).padStart(3, '0')}`);
    const { world } = await worldWithHosts(names);
    await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
    const commands = await world.run();
    expect(commands.map((command) => command.host).toSorted()).toEqual(names);
  });

  it('tells a host the names of a second version whose bytes it holds, without reserving them again', async () => {
    const { world, hosts } = await worldWithHosts(['gpu-a']);
    await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
    const [fill] = await world.run();
    await world.deliver('receipts', hosts[0]!.receipt(fill!));
    const second = await world.publish('sdxl', '1.0.1', { 'renamed.safetensors': 'a' });
    await world.deliver('placement', second);
    await world.deliver('placement', second);
    const commands = await world.run();
    expect(commands.map((command) => command.command)).toMatchObject([
      { type: 'prefetch', entries: [{ version: '1.0.1', file: 'renamed.safetensors' }] },
    ]);
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'verified' });
    expect((await world.host('gpu-a'))?.promisedBytes).toBe(0);
  });

  /** A fleet whose blob `a` gets another origin just before the next write. */
  async function movingWorld() {
    const armed: { move?: () => Promise<void> } = {};
    const fleet = await worldWithHosts(['gpu-a'], (store) => ({
      ...store,
      get: (key) => store.get(key),
      query: (query) => store.query(query),
      queryIndex: (index, query) => store.queryIndex(index, query),
      transact: async (changes) => {
        const { move } = armed;
        delete armed.move;
        await move?.();
        return store.transact(changes);
      },
    }));
    const { catalog } = fleet.world;
    const arm = () => {
      armed.move = async () => {
        const row = (await BlobRow.get(catalog, digestOf('a')))!;
        const origin = { ...row.value.origin, versionId: 'a-v2' };
        await catalog.transact([BlobRow.put({ ...row.value, origin }, { version: row.version })]);
      };
    };
    return { ...fleet, arm };
  }

  it('names the origin as it is at the write in a command that only tells names', async () => {
    const { world, hosts, arm } = await movingWorld();
    await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
    const [fill] = await world.run();
    await world.deliver('receipts', hosts[0]!.receipt(fill!));
    const second = await world.publish('sdxl', '1.0.1', { 'renamed.safetensors': 'a' });
    arm();
    await world.deliver('placement', second);
    const commands = await world.run();
    expect(commands.map((command) => command.command)).toMatchObject([{ origin: { versionId: 'a-v2' } }]);
  });

  it('decides anew when the origin moves between reading and writing, so the pin is never late', async () => {
    const { world, arm } = await movingWorld();
    const message = await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' });
    arm();
    await world.deliver('placement', message);
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ versionId: 'a-v2' });
    const commands = await world.run();
    expect(commands.map((command) => command.command)).toMatchObject([{ origin: { versionId: 'a-v2' } }]);
    const actions = await world.catalog.queryIndex('listing', {
      partition: `ACTIONS#BLOB#${digestOf('a')}`,
      limit: 10,
    });
    expect(actions.items.map((item) => ActionRow.parse(item).value.state)).toEqual(['pending']);
  });
});
