import { describe, expect, it } from 'vitest';
import { createFileObjectStore } from '../../../lib/adapters/embedded/fileObjectStore.ts';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { answerOperation, createOperations, createRemoteOperations } from '../../../lib/operations/index.ts';
import { ActionId, HostId } from '../../../lib/shared/ids.ts';
import { Bytes } from '../../../lib/shared/units.ts';
import { createFleetWorld, digestOf } from '../../support/fleetWorld.ts';
import { createMemDisk } from '../../support/memDisk.ts';

const GPU_A = HostId.parse('gpu-a');

/** A host that holds blob `a`, and the operations as the CLI reaches them. */
async function setUp() {
  const world = createFleetWorld();
  const { clock, random } = world.deps;
  const database = openDatabase(':memory:');
  const place = { disk: createMemDisk(), database, bucket: 'models', region: 'eu-west-1' };
  const objects = await createFileObjectStore({ ...place, clock, random });
  const deadLetters = { list: async () => [], look: async () => [], redrive: async () => 0 };
  const workQueues = async () => [];
  const local = createOperations({ ...world.deps, objects, seals: undefined, deadLetters, workQueues });
  const remote = createRemoteOperations(async (name, input) =>
    answerOperation(local, name, JSON.parse(JSON.stringify(input))),
  );
  const host = await world.addHost('gpu-a');
  await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
  await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
  for (const command of await world.run()) await world.deliver('receipts', host.receipt(command));
  return { world, host, remote };
}

describe('an operator’s command over a connection', () => {
  it.each([
    { type: 'pin', digest: digestOf('a') },
    { type: 'evict', digest: digestOf('a') },
    { type: 'drain' },
    { type: 'report' },
    { type: 'resize', capacityBytes: Bytes.parse(1_000) },
  ] as const)('reaches the host as a signed command: $type', async (command) => {
    const { world, remote } = await setUp();
    const sent = await remote.commandHost({ host: GPU_A, command, dryRun: false });
    expect(sent).toMatchObject({ host: 'gpu-a', type: command.type });
    const [got] = await world.run();
    expect(got).toMatchObject({ actionId: sent.actionId, host: 'gpu-a', command });
  });

  it('is told with its receipt: by its id at once, and with its host where it is about no blob', async () => {
    const { world, host, remote } = await setUp();
    const resize = { type: 'resize', capacityBytes: Bytes.parse(1_000) } as const;
    const verify = { type: 'verify', digest: digestOf('a') } as const;
    const sent = await remote.commandHost({ host: GPU_A, command: resize, dryRun: false });
    const other = await remote.commandHost({ host: GPU_A, command: verify, dryRun: false });
    const actionIds = [sent.actionId, other.actionId, ActionId.parse('nobody-s')];
    const states = async () => (await remote.showActions({ actionIds })).items.map(({ state }) => state);
    expect(await states()).toEqual(['pending', 'pending']);
    const refusal = { outcome: 'failed', code: 'leased', message: 'What is leased takes more.' } as const;
    for (const command of await world.run()) await world.deliver('receipts', host.receipt(command, refusal));
    expect(await states()).toEqual(['failed', 'failed']);
    const { items } = await remote.listHostActions({ host: GPU_A });
    expect(items).toMatchObject([
      { actionId: sent.actionId, type: 'resize', state: 'failed', outcome: { code: 'leased', text: refusal.message } },
    ]);
    expect(await remote.listHostActions({ host: HostId.parse('gpu-b') })).toEqual({ items: [] });
  });

  it('sends nothing in a dry run', async () => {
    const { world, remote } = await setUp();
    await remote.commandHost({ host: GPU_A, command: { type: 'drain' }, dryRun: true });
    expect(await world.run()).toEqual([]);
    expect(await world.host('gpu-a')).toMatchObject({ state: 'active' });
  });

  it('that cannot be is refused with what to do', async () => {
    const { remote } = await setUp();
    const evict = { type: 'evict', digest: digestOf('f') } as const;
    const refused = remote.commandHost({ host: GPU_A, command: evict, dryRun: false });
    await expect(refused).rejects.toMatchObject({ code: 'command-refused', retryable: false });
    await expect(refused).rejects.toThrow(/does not hold that blob/);
  });
});
