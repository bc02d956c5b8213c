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

it('what is evicted while the store opens is reported later than what an earlier life reported', async () => {
  const world = createAgentWorld({ capacity: 1_000 });
  const agent = await world.boot();
  for (const seed of [1, 2, 3, 4]) world.command(world.prefetchOf(world.addBlob(200, seed), `${seed}.safetensors`));
  await world.work(agent);
  await world.clock.advance(3_600_000);
  await agent.heartbeatOnce();
  world.crash();
  await world.clock.advance(-3_600_000);
  const again = await world.boot({ watermarks: { high: 0.5, low: 0.3 } });
  await again.flushReceiptsOnce();
  const evicted = world.sent.receipts.filter(({ type, origin }) => type === 'evict' && origin === 'local');
  expect(evicted.length).toBeGreaterThan(0);
  const before = world.sent.heartbeats.at(-1)?.at ?? Number.POSITIVE_INFINITY;
  for (const { finishedAt } of evicted) expect(finishedAt).toBeGreaterThan(before);
});
