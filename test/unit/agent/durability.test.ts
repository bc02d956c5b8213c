import { describe, expect, it } from 'vitest';
import { createMemDisk, type MemDisk } from '../../support/memDisk.ts';
import { type AgentWorld, createAgentWorld, PART } from './agentWorld.ts';

/*
 * Each sync that docs/store.md names is needed: with it, a power cut at any call that loses everything unsynced breaks no
 * word that the agent has given; without it, one such cut does.
 */
type Sync = (call: 'sync' | 'syncDirectory', path: string) => boolean;

const NONE: Sync = () => false;

const NEEDED: readonly (readonly [string, Sync])[] = [
  ['the ledger', (call, path) => call === 'sync' && path === 'state/ledger'],
  ['the staging file, before its part is recorded', (call, path) => call === 'sync' && path.startsWith('staging/')],
  [
    'the folders that a rename joins',
    (call, path) => call === 'syncDirectory' && (/^blobs\/../.test(path) || path === 'staging'),
  ],
  ['the folder of a new folder', (call, path) => call === 'syncDirectory' && path === 'blobs'],
  ['the root', (call, path) => call === 'syncDirectory' && path === '.'],
  ['the folder of the ledger', (call, path) => call === 'syncDirectory' && path === 'state'],
];

function diskWithout(skipped: Sync): MemDisk {
  const disk = createMemDisk();
  const unless = (call: 'sync' | 'syncDirectory') => async (path: string) => {
    if (!skipped(call, path)) await disk[call](path);
    else await disk.stat(path);
  };
  return { ...disk, sync: unless('sync'), syncDirectory: unless('syncDirectory') };
}

const SIZES = [3 * PART, 2 * PART + 9];

/** Lives until `call`, loses the power, starts again; answers what was told before and is not so now. */
async function broken(skipped: Sync, call: number): Promise<{ readonly calls: number; readonly words: string[] }> {
  const world = createAgentWorld({ capacity: 10_000, disk: diskWithout(skipped) });
  const [kept, evicted] = SIZES.map((size, seed) => world.addBlob(size, seed + 1));
  if (kept === undefined || evicted === undefined) return expect.fail('two blobs');
  world.crashAtCall(call);
  const life = async () => {
    const agent = await world.boot();
    world.command(world.prefetchOf(kept, 'kept'), { actionId: 'fill-kept' });
    world.command(world.prefetchOf(evicted, 'evicted'), { actionId: 'fill-evicted' });
    await world.work(agent);
    world.command({ type: 'pin', digest: kept.digest }, { actionId: 'pin' });
    world.command({ type: 'evict', digest: evicted.digest }, { actionId: 'evict' });
    await world.work(agent);
  };
  await Promise.race([life(), timePasses(world)]);
  const { calls } = world.counters;
  world.crash();
  world.crashAtCall(Number.POSITIVE_INFINITY);
  world.disk.powerCut(() => false);
  const told = new Set(world.sent.receipts.filter(({ outcome }) => outcome === 'done').map(({ actionId }) => actionId));
  const has = (action: string) => [...told].some((one) => one === action);

  const agent = await world.boot();
  const words: string[] = [];
  if (has('fill-kept') && !agent.store.residents().includes(kept.digest)) words.push('the filled blob is gone');
  if (has('pin') && agent.store.blob(kept.digest)?.pinned !== true) words.push('the pin is gone');
  if (has('evict') && (await agent.store.measureBlob(evicted.digest)) > 0) words.push('the evicted blob is back');
  for (let turn = 0; turn < 3; turn += 1) {
    world.redeliver();
    await world.work(agent);
  }
  const wrong = await world.wrongBlobs();
  if (wrong.length > 0) words.push('a visible blob has wrong bytes');
  return { calls, words };
}

async function timePasses(world: AgentWorld): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) await world.clock.advance(1);
}

/** The first broken word, the latest cuts first: they have been told most. */
async function firstBroken(skipped: Sync): Promise<string | undefined> {
  const { calls } = await broken(skipped, Number.POSITIVE_INFINITY);
  for (let call = calls + 1; call >= 1; call -= 1) {
    const [word] = (await broken(skipped, call)).words;
    if (word !== undefined) return `${word} after a cut at call ${call}`;
  }
  return undefined;
}

describe('a power cut at any call that loses all that is not synced', () => {
  it('breaks no word that the agent has given', async () => {
    expect(await firstBroken(NONE)).toBeUndefined();
  });

  it.each(NEEDED)('breaks one when %s is not synced', async (_, skipped) => {
    expect(await firstBroken(skipped)).toMatch(/after a cut/);
  });
});
