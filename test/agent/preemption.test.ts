import { afterEach, expect, it } from 'vitest';
import { blobKey } from '../../lib/shared/digest.ts';
import { MIB } from '../../lib/shared/units.ts';
import {
  createHostWorld,
  digestOf,
  endLeftovers,
  type HostBlob,
  type HostWorld,
  localApi,
  scratchFolder,
  startAgent,
  until,
  visibleBlobs,
} from './hostWorld.ts';
import { stopped } from './killed.ts';

const PREFETCHED = 80 * MIB;
const URGENT = 20 * MIB;

afterEach(endLeftovers);

it('a fetch that a process waits for suspends a prefetch, which goes on afterwards where it stopped', async () => {
  const world = await createHostWorld();
  const folder = await scratchFolder();
  const agent = startAgent(world, { data: folder.path, bandwidth: '20MB' });
  const prefetched = world.addBlob(PREFETCHED, 1);
  const urgent = world.publishBlob(URGENT, 2);
  const served = (blob: HostBlob) =>
    world.reads.filter(({ key }) => key === blobKey(blob.digest)).reduce((sum, { length }) => sum + length, 0);

  await world.prefetch(prefetched);
  await until('a quarter of the prefetch', () => (served(prefetched) > PREFETCHED / 4 ? true : undefined));
  expect(await localApi(folder.path, 'GET', '/v1/models/tiny?wait=60')).toMatchObject({ status: 200 });
  const receipt = await until('its receipt', async () =>
    (await world.receipts()).find(({ digest }) => digest === prefetched.digest),
  );
  expect(receipt).toMatchObject({ type: 'prefetch', outcome: 'done' });

  const isOf = (blob: HostBlob) => (read: HostWorld['reads'][number]) => read.key === blobKey(blob.digest);
  const between = world.reads.slice(world.reads.findIndex(isOf(urgent)), world.reads.findLastIndex(isOf(urgent)));
  const meanwhile = between.filter(isOf(prefetched)).reduce((sum, { length }) => sum + length, 0);
  // Side by side they would have shared the line.
  expect(meanwhile).toBeLessThan(URGENT / 4);
  // What the suspended connections had not brought is asked for again, and no more.
  expect(served(prefetched)).toBeLessThan(1.5 * PREFETCHED);
  for (const { path, name } of await visibleBlobs(folder.path)) expect(await digestOf(path)).toBe(name);
  expect((await visibleBlobs(folder.path)).map(({ name }) => name).toSorted()).toEqual(
    [prefetched.digest, urgent.digest].toSorted(),
  );
  await stopped(agent);
  await folder.remove();
  await world.close();
});
