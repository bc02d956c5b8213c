import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { MIB } from '../../lib/shared/units.ts';
import { createHostWorld, endLeftovers, scratchFolder } from './hostWorld.ts';
import { expectRecovery, killAt } from './killed.ts';

/** `npm run kill-test` kills at 50 moments; the gate at as many as this. */
const MOMENTS = Number(process.env['KILL_MOMENTS'] ?? 5);
const BLOB_BYTES = 200 * MIB;
const CAPACITY_BYTES = 256 * MIB;

const TITLE = `an agent that is killed at ${MOMENTS} moments of a ${BLOB_BYTES / MIB} MiB download`;

describe(TITLE, { timeout: 240_000 }, async () => {
  const world = await createHostWorld();
  afterEach(endLeftovers);
  afterAll(() => world.close());
  const blob = world.addBlob(BLOB_BYTES);
  const diedAt: number[] = [];
  const readAgain: number[] = [];

  afterAll(() => {
    const buckets = Array.from(
      { length: 10 },
      (_, at) => diedAt.filter((share) => Math.floor(share * 10) === at).length,
    );
    const lines = buckets.map((count, at) => `${String(at * 10).padStart(3)} % ${'#'.repeat(count)} ${count}`);
    console.log(`killed when so much was served:\n${lines.join('\n')}`);
    const mean = readAgain.reduce((sum, share) => sum + share, 0) / readAgain.length;
    console.log(`the second life read ${(mean * 100).toFixed(0)} % of the blob on average`);
  });

  it.for(Array.from({ length: MOMENTS }, (_, at) => 0.05 + (0.9 * at) / Math.max(1, MOMENTS - 1)))(
    'at %f it shows no partial blob, keeps its budget and ends the command once',
    async (share) => {
      const folder = await scratchFolder();
      const options = { data: folder.path, capacity: String(CAPACITY_BYTES) };
      diedAt.push(await killAt(world, blob, { ...options, bandwidth: '100MB' }, share, CAPACITY_BYTES));
      const { bytesRead, staged } = await expectRecovery(world, blob, options);
      if (share > 0.9) expect(staged).toBeGreaterThan(0);
      readAgain.push(bytesRead / blob.size);
      await folder.remove();
    },
  );
});
