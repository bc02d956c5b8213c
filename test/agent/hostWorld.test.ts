import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createHostWorld, endLeftovers, scratchFolder, startAgent } from './hostWorld.ts';

async function runTelling(word: string): Promise<void> {
  const world = await createHostWorld();
  const { path } = await scratchFolder();
  const { child, exited } = startAgent(world, { data: path, within: ['sh', '-c', `echo ${word} >&2`] });
  const closed = new Promise((resolve) => child.once('close', resolve));
  await exited;
  await closed;
  await world.close();
}

describe('what an agent tells on standard error', () => {
  const shown: unknown[] = [];
  const spied = vi.spyOn(console, 'error').mockImplementation((text) => shown.push(text));
  afterEach(endLeftovers);
  afterAll(() => spied.mockRestore());

  it('waits while its test passes', () => runTelling('of-success'));

  it.fails('is shown where its test fails', async () => {
    await runTelling('of-failure');
    throw new Error('This test fails on purpose.');
  });

  it('was shown of the test that failed, and of no other', () => {
    expect(shown).toEqual([expect.stringContaining(':\nof-failure\n')]);
  });
});
