import { expect, it } from 'vitest';
import { createAgentWorld } from './agentWorld.ts';

it('reports go on from the latest heartbeat of an earlier life when the clock was set back before a restart', async () => {
  const world = createAgentWorld({ capacity: 10_000 });
  const blob = world.addBlob(100);
  const agent = await world.boot();
  world.command(world.prefetchOf(blob));
  await world.work(agent);
  await world.clock.advance(3_600_000);
  await agent.heartbeatOnce();
  world.crash();
  await world.clock.advance(-3_600_000);
  const again = await world.boot();
  await again.store.evict(blob.digest);
  world.command({ type: 'evict', digest: blob.digest });
  await world.work(again);
  await again.heartbeatOnce();
  const [before, after] = world.sent.heartbeats.slice(-2);
  const evicted = world.sent.receipts.at(-1);
  expect(before?.residents).toEqual([blob.digest]);
  expect(evicted).toMatchObject({ type: 'evict', outcome: 'done' });
  expect(evicted?.finishedAt).toBeGreaterThan(before?.at ?? Number.POSITIVE_INFINITY);
  expect(after?.at).toBeGreaterThan(evicted?.finishedAt ?? Number.POSITIVE_INFINITY);
});

it('receipts go on from the latest moment of an earlier life when the clock was set back before a restart', async () => {
  const world = createAgentWorld({ capacity: 10_000 });
  const blob = world.addBlob(100);
  const agent = await world.boot();
  world.command(world.prefetchOf(blob));
  await world.work(agent);
  await world.clock.advance(3_600_000);
  world.command({ type: 'pin', digest: blob.digest });
  await world.work(agent);
  world.crash();
  await world.clock.advance(-3_600_000);
  const again = await world.boot();
  world.command({ type: 'unpin', digest: blob.digest });
  await world.work(again);
  const [pin, unpin] = world.sent.receipts.slice(-2);
  expect([pin?.type, unpin?.type]).toEqual(['pin', 'unpin']);
  expect(unpin?.finishedAt).toBeGreaterThan(pin?.finishedAt ?? Number.POSITIVE_INFINITY);
});
