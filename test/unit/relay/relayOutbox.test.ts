import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { createSqliteQueues } from '../../../lib/adapters/embedded/sqliteQueues.ts';
import { nodeRandom } from '../../../lib/adapters/node/nodeRandom.ts';
import { OUTBOX_SHARDS, outboxPut } from '../../../lib/catalog/index.ts';
import { ALL_OUTBOX_SHARDS, outboxShards, relayOutbox } from '../../../lib/relay/index.ts';
import { PortError } from '../../../lib/shared/errors.ts';
import type { MessageSender } from '../../../lib/shared/ports/messageQueue.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';

function setUp() {
  const clock = createManualClock();
  const catalog = createSqliteCatalogStore(openDatabase(':memory:'));
  const queues = createSqliteQueues({ database: openDatabase(':memory:'), clock, random: nodeRandom });
  const recorded = recordedTelemetry();
  for (const queue of ['ingest', 'digest', 'host-a-1']) queues.define(queue);
  return {
    clock,
    catalog,
    queues,
    recorded,
    call: { telemetry: recorded.telemetry, remainingMs: () => 60_000 },
    async put(queue: string, count: number, text = 'x') {
      for (let n = 0; n < count; n += 1) {
        await catalog.transact([outboxPut({ id: `${queue}:${n}`, queue, body: { n, text } }, clock.now())]);
      }
    },
    async left() {
      let rows = 0;
      for (const shard of ALL_OUTBOX_SHARDS)
        rows += (await catalog.query({ partition: `OUTBOX#${shard}`, limit: 1000 })).items.length;
      return rows;
    },
    waiting: (queue: string) => queues.counts().find((counts) => counts.queue === queue)?.visible,
  };
}

describe('the relay', () => {
  it('sends every row of every shard once and deletes it', async () => {
    const world = setUp();
    await world.put('ingest', 35);
    await world.put('digest', 3);
    await relayOutbox({ catalog: world.catalog, sender: world.queues }, ALL_OUTBOX_SHARDS, world.call);
    expect(world.waiting('ingest')).toBe(35);
    expect(world.waiting('digest')).toBe(3);
    expect(await world.left()).toBe(0);
    await relayOutbox({ catalog: world.catalog, sender: world.queues }, ALL_OUTBOX_SHARDS, world.call);
    expect(world.waiting('ingest')).toBe(35);
  });

  it('sends again what it could not delete: consumers see it twice, never not at all', async () => {
    const world = setUp();
    await world.put('ingest', 1);
    const cut = {
      ...world.catalog,
      transact: () => Promise.reject(new PortError({ code: 'unavailable', message: 'cut', retryable: true })),
    };
    await expect(
      relayOutbox({ catalog: cut, sender: world.queues }, ALL_OUTBOX_SHARDS, world.call),
    ).rejects.toMatchObject({
      code: 'not-sent',
      retryable: true,
    });
    await relayOutbox({ catalog: world.catalog, sender: world.queues }, ALL_OUTBOX_SHARDS, world.call);
    expect(world.waiting('ingest')).toBe(2);
    expect(await world.left()).toBe(0);
  });

  it('lets two relays work at once', async () => {
    const world = setUp();
    await world.put('ingest', 20);
    const relay = () => relayOutbox({ catalog: world.catalog, sender: world.queues }, ALL_OUTBOX_SHARDS, world.call);
    await Promise.all([relay(), relay()]);
    expect(await world.left()).toBe(0);
  });

  it('drops and counts what was meant for a host queue that is gone', async () => {
    const world = setUp();
    await world.put('host-gone-1', 2);
    await world.put('host-a-1', 1);
    await relayOutbox({ catalog: world.catalog, sender: world.queues }, ALL_OUTBOX_SHARDS, world.call);
    expect(world.waiting('host-a-1')).toBe(1);
    expect(await world.left()).toBe(0);
    const dropped = world.recorded.metrics.filter(({ name }) => name === 'MessagesDropped');
    expect(dropped.reduce((sum, { value }) => sum + value, 0)).toBe(2);
    expect(dropped[0]?.dimensions).toEqual({ reason: 'no-such-queue' });
  });

  it('keeps what is meant for a function, even when its queue is not there, and sends the rest', async () => {
    const world = setUp();
    await world.put('placement', 2);
    await world.put('ingest', 2);
    await expect(
      relayOutbox({ catalog: world.catalog, sender: world.queues }, ALL_OUTBOX_SHARDS, world.call),
    ).rejects.toMatchObject({ code: 'not-sent' });
    expect(world.waiting('ingest')).toBe(2);
    expect(await world.left()).toBe(2);
  });

  it('sends everything else where a queue refuses a message, within its batch and behind it', async () => {
    const world = setUp();
    const put = (id: string, text: string) => outboxPut({ id, queue: 'ingest', body: { text } }, world.clock.now());
    const rows = Array.from({ length: 400 }, (_, n) => put(`ingest:${n}`, n === 0 ? 'unsendable' : 'x'));
    for (const row of rows) await world.catalog.transact([row]);
    const sender: MessageSender = {
      async send(queue, messages) {
        if (!messages.some(({ body }) => body.includes('unsendable'))) return world.queues.send(queue, messages);
        throw new PortError({ code: 'invalid-request', message: 'a character is refused', retryable: false });
      },
    };
    const relay = () => relayOutbox({ catalog: world.catalog, sender }, ALL_OUTBOX_SHARDS, world.call);
    await expect(relay()).rejects.toMatchObject({ code: 'not-sent' });
    expect(await world.left()).toBe(1);
    expect(world.waiting('ingest')).toBe(399);
    const refused = world.recorded.records.filter(({ event }) => event === 'message-refused');
    expect(refused.map(({ fields }) => fields)).toEqual([{ queue: 'ingest', id: 'ingest:0' }]);
  });

  it('asks a queue once a page while it cannot be reached', async () => {
    const world = setUp();
    await world.put('ingest', 400);
    let calls = 0;
    const sender: MessageSender = {
      send() {
        calls += 1;
        return Promise.reject(new PortError({ code: 'unavailable', message: 'away', retryable: true }));
      },
    };
    const relay = relayOutbox({ catalog: world.catalog, sender }, ALL_OUTBOX_SHARDS, world.call);
    await expect(relay).rejects.toMatchObject({ code: 'not-sent' });
    expect(calls).toBe(OUTBOX_SHARDS);
    expect(await world.left()).toBe(400);
  });

  it('passes over a row that it cannot read', async () => {
    const world = setUp();
    const key = { partition: 'OUTBOX#0', sort: '0' };
    await world.catalog.transact([{ kind: 'put', expect: 'absent', item: { key, body: { v: 99 } } }]);
    await world.put('ingest', 9);
    await expect(
      relayOutbox({ catalog: world.catalog, sender: world.queues }, ALL_OUTBOX_SHARDS, world.call),
    ).rejects.toMatchObject({ code: 'not-sent' });
    expect(world.waiting('ingest')).toBe(9);
    expect(await world.left()).toBe(1);
  });

  it('carries at most ten messages and one mebibyte in a call, and delays', async () => {
    const world = setUp();
    await world.put('ingest', 25, 'y'.repeat(150_000));
    const now = world.clock.now();
    await world.catalog.transact([outboxPut({ id: 'late', queue: 'digest', body: {}, delaySeconds: 30 }, now)]);
    const calls: { readonly count: number; readonly bytes: number }[] = [];
    const sender: MessageSender = {
      send(queue, messages) {
        calls.push({ count: messages.length, bytes: messages.reduce((sum, { body }) => sum + body.length, 0) });
        return world.queues.send(queue, messages);
      },
    };
    await relayOutbox({ catalog: world.catalog, sender }, ALL_OUTBOX_SHARDS, world.call);
    expect(Math.max(...calls.map(({ count }) => count))).toBeLessThanOrEqual(10);
    expect(Math.max(...calls.map(({ bytes }) => bytes))).toBeLessThanOrEqual(1_048_576);
    expect(world.waiting('ingest')).toBe(25);
    expect(world.queues.counts().find(({ queue }) => queue === 'digest')?.delayed).toBe(1);
  });

  it('stops before its time is up', async () => {
    const world = setUp();
    await world.put('ingest', 5);
    const call = { ...world.call, remainingMs: () => 1_000 };
    await relayOutbox({ catalog: world.catalog, sender: world.queues }, ALL_OUTBOX_SHARDS, call);
    expect(await world.left()).toBe(5);
  });

  it('tells what it could not send also when its time is up', async () => {
    const world = setUp();
    await world.put('ingest', 1);
    const sender: MessageSender = {
      send: () => Promise.reject(new PortError({ code: 'unavailable', message: 'away', retryable: true })),
    };
    // Enough for the first pass over the shards, over before the second.
    let asked = 0;
    const remainingMs = () => {
      asked += 1;
      return asked > OUTBOX_SHARDS ? 1_000 : 60_000;
    };
    const shards = [...ALL_OUTBOX_SHARDS, ...ALL_OUTBOX_SHARDS];
    const call = { ...world.call, remainingMs };
    await expect(relayOutbox({ catalog: world.catalog, sender }, shards, call)).rejects.toMatchObject({
      code: 'not-sent',
    });
  });

  it('is woken for the shards that got rows', () => {
    expect(outboxShards(['OUTBOX#3', 'BLOB#x', 'OUTBOX#3', 'OUTBOX#0'])).toEqual([0, 3]);
    expect(ALL_OUTBOX_SHARDS).toHaveLength(OUTBOX_SHARDS);
  });
});
