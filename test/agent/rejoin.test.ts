import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { blobKey } from '../../lib/shared/digest.ts';
import { MIB } from '../../lib/shared/units.ts';
import { createHostWorld, endLeftovers, scratchFolder, startAgent, until, visibleBlobs } from './hostWorld.ts';
import { stopped } from './killed.ts';

afterEach(endLeftovers);

it.each([
  ['with its disk', false],
  ['as a new machine with an empty disk', true],
])('a host that joins anew %s heeds no command of its earlier generation, wherever that comes', async (_, replaced) => {
  const world = await createHostWorld();
  const folder = await scratchFolder();
  const options = { data: folder.path };
  const [kept, unwanted, wanted] = [world.addBlob(20 * MIB, 1), world.addBlob(20 * MIB, 2), world.addBlob(20 * MIB, 3)];
  const receiptOf = (digest: string) =>
    until('the receipt', async () => (await world.receipts()).find((receipt) => receipt.digest === digest));

  const first = startAgent(world, options);
  await world.prefetch(kept, 'kept');
  expect(await receiptOf(kept.digest)).toMatchObject({ outcome: 'done', generation: 1 });
  await stopped(first);
  await world.prefetch(unwanted, 'unwanted');
  await world.command({ type: 'evict', digest: kept.digest });
  const old = await world.queued(1);
  expect(old).toHaveLength(2);
  await world.retire();
  if (replaced) for (const name of ['state', 'blobs', 'models']) await rm(join(folder.path, name), { recursive: true });

  const second = startAgent(world, options);
  await until('the second generation', async () => ((await world.generation()) === 2 ? true : undefined));
  for (const body of old) await world.enqueue(2, body);
  await world.prefetch(wanted, 'wanted');
  expect(await receiptOf(wanted.digest)).toMatchObject({ outcome: 'done', generation: 2 });
  await until('an empty queue', async () => ((await world.queued(2)).length === 0 ? true : undefined));
  await stopped(second);

  expect(world.reads.filter(({ key }) => key === blobKey(unwanted.digest))).toEqual([]);
  expect((await visibleBlobs(folder.path)).map(({ name }) => name).toSorted()).toEqual(
    (replaced ? [wanted.digest] : [kept.digest, wanted.digest]).toSorted(),
  );
  expect(await world.queued(1)).toHaveLength(2);
  await folder.remove();
  await world.close();
});
