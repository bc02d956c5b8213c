import { describe, expect, it } from 'vitest';
import { createFileObjectStore } from '../../../lib/adapters/embedded/fileObjectStore.ts';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { answerOperation, createOperations, createRemoteOperations } from '../../../lib/operations/index.ts';
import { HostId } from '../../../lib/shared/ids.ts';
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
  const local = createOperations({ ...world.deps, objects, seals: undefined, deadLetters });
  const remote = createRemoteOperations(async (name, input) =>
    answerOperation(local, name, JSON.parse(JSON.stringify(input))),
  );
  const host = await world.addHost('gpu-a');
  await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
  await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
  for (const command of await world.run()) await world.deliver('receipts', host.receipt(command));
  return { world, remote };
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
