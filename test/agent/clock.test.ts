import { afterEach, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { DAY_MS, MIB } from '../../lib/shared/units.ts';
import {
  type AgentProcess,
  createHostWorld,
  digestOf,
  endLeftovers,
  localApi,
  recordedParts,
  scratchFolder,
  startAgent,
  until,
  visibleBlobs,
} from './hostWorld.ts';
import { stopped } from './killed.ts';

const Leased = z.object({ lease: z.string() });

afterEach(endLeftovers);

/** Resolves when the clock has jumped. */
function jump({ child }: AgentProcess): Promise<void> {
  return new Promise((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('The clock has jumped.')) resolve();
    });
    child.kill('SIGUSR2');
  });
}

it.each([
  ['a day ahead and back', [DAY_MS, -DAY_MS]],
  ['a day back and ahead', [-DAY_MS, DAY_MS]],
])(
  'an agent whose clock jumps %s goes on with its fetch, keeps what is leased, and heeds commands after it',
  async (_, jumps) => {
    const world = await createHostWorld();
    const folder = await scratchFolder();
    const leased = world.publishBlob(10 * MIB, 1);
    const slow = world.addBlob(60 * MIB, 2);
    const later = world.addBlob(10 * MIB, 3);
    const agent = startAgent(world, { data: folder.path, bandwidth: '15MB', clockJumps: jumps });
    const receiptOf = (digest: string, type: string) =>
      until('the receipt', async () =>
        (await world.receipts()).find((one) => one.digest === digest && one.type === type),
      );

    const { body } = await until('the model', async () => {
      const answer = await localApi(folder.path, 'GET', '/v1/models/tiny?wait=60').catch(() => undefined);
      return answer?.status === 200 ? answer : undefined;
    });
    const { lease } = Leased.parse(body);
    await world.prefetch(slow, 'slow');
    await until('a part of it', async () => ((await recordedParts(folder.path)).size > 2 ? true : undefined));
    await jump(agent);
    expect(await receiptOf(slow.digest, 'prefetch')).toMatchObject({ outcome: 'done' });
    expect((await localApi(folder.path, 'PUT', `/v1/leases/${lease}`)).status).toBe(200);
    await jump(agent);

    await world.command({ type: 'evict', digest: leased.digest });
    expect(await receiptOf(leased.digest, 'evict')).toMatchObject({ outcome: 'failed', code: 'leased' });
    await world.prefetch(later, 'later');
    expect(await receiptOf(later.digest, 'prefetch')).toMatchObject({ outcome: 'done', code: 'ok' });
    for (const { path, name } of await visibleBlobs(folder.path)) expect(await digestOf(path)).toBe(name);
    expect(await visibleBlobs(folder.path)).toHaveLength(3);
    expect(await world.generation()).toBe(1);
    await stopped(agent);
    await folder.remove();
    await world.close();
  },
);
