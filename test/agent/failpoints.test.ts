import { afterEach, describe, expect, it } from 'vitest';
import { FAILPOINTS } from '../../agent/wiring/failpoints.ts';
import { MIB } from '../../lib/shared/units.ts';
import { createHostWorld, endLeftovers, scratchFolder, startAgent } from './hostWorld.ts';
import { expectRecovery, watchDisk } from './killed.ts';

const PART_BYTES = MIB;
/** Two whole parts and a half one: how large they are changes nothing about what follows what. */
const BLOB_BYTES = 2.5 * PART_BYTES;
const CAPACITY_BYTES = 8 * PART_BYTES;

describe('an agent that is killed at a fail point', () => {
  afterEach(endLeftovers);

  it.each(FAILPOINTS)('%s shows no partial blob, keeps its budget and ends the command once', async (failpoint) => {
    // A world of its own: no receipt or command of another fail point can be taken for this one's.
    const world = await createHostWorld(PART_BYTES);
    const blob = world.addBlob(BLOB_BYTES);
    const folder = await scratchFolder();
    const options = { data: folder.path, capacity: String(CAPACITY_BYTES) };
    const agent = startAgent(world, { ...options, failpoint });
    await world.prefetch(blob);
    let dead = false;
    const watching = watchDisk(folder.path, blob, CAPACITY_BYTES, () => dead);
    expect(await agent.exited).toEqual({ code: null, signal: 'SIGKILL' });
    dead = true;
    await watching;
    await expectRecovery(world, blob, options);
    await folder.remove();
    await world.close();
  });
});
