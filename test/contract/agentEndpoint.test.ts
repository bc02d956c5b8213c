import { serve } from '@hono/node-server';
import { afterAll, describe, expect, it } from 'vitest';
import { createFileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { createHostTokens } from '../../lib/adapters/embedded/hostTokens.ts';
import { createHttpObjectReader } from '../../lib/adapters/embedded/httpObjectReader.ts';
import { createHttpQueues } from '../../lib/adapters/embedded/httpQueues.ts';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import { Generation, HostId, hostQueue } from '../../lib/shared/ids.ts';
import { HOUR_MS, SECOND_MS } from '../../lib/shared/units.ts';
import { createAgentEndpoint } from '../../runtime/agentEndpoint.ts';
import { eventually } from '../support/eventually.ts';
import { createManualClock } from '../support/manualClock.ts';
import { createMemDisk } from '../support/memDisk.ts';
import { messageQueueContract } from './messageQueue.suite.ts';
import { objectReaderContract } from './objectStore.suite.ts';

const servers: { close: () => void }[] = [];
afterAll(() => servers.forEach((server) => server.close()));

/** A runtime's agent endpoint on a free port, and an agent's adapters with a session of `host-1` in generation 1. */
async function start(time?: Clock) {
  const clock = createManualClock();
  const waiting = time ?? { now: () => clock.now(), sleep: (ms: number) => clock.advance(ms) };
  const sqlite = createSqliteQueues({ database: openDatabase(':memory:'), clock: waiting, random: nodeRandom });
  const store = await createFileObjectStore({
    disk: createMemDisk(),
    database: openDatabase(':memory:'),
    bucket: 'models',
    region: 'local',
    clock,
    random: nodeRandom,
  });
  const tokens = createHostTokens({ secret: 'secret', clock });
  const [host, generation] = [HostId.parse('host-1'), Generation.parse(1)];
  const own = hostQueue(host, generation);
  const endpoint = createAgentEndpoint({
    tokens,
    queues: sqlite,
    objects: store,
    reportQueues: new Set(['receipts', own]),
  });
  const port = await new Promise<number>((resolve) => {
    const app = {
      fetch: (request: Request) => endpoint.fetch(new Request(request.url.replace('/agent', ''), request)),
    };
    servers.push(serve({ ...app, port: 0, hostname: '127.0.0.1' }, (address) => resolve(address.port)));
  });
  let { sessionToken: token } = await tokens.issue(host, generation);
  const client = { endpoint: `http://127.0.0.1:${port}`, token: () => token };
  return {
    clock,
    sqlite,
    store,
    own,
    queues: createHttpQueues(client),
    reader: createHttpObjectReader(client),
    url: client.endpoint,
    token,
    useToken: (next: string) => {
      token = next;
    },
  };
}

messageQueueContract('An agent of the embedded runtime', async () => {
  const { sqlite, queues, own, clock } = await start();
  return {
    queues: {
      ...queues,
      // Dead letters are the operator's to read.
      receive: (queue, ...rest) => (queue === 'dlq' ? sqlite : queues).receive(queue, ...rest),
    },
    newQueue: async () => {
      sqlite.define('dlq');
      sqlite.define(own, { redrive: { maxReceiveCount: 2, deadLetter: 'dlq' } });
      return { queue: own, deadLetter: 'dlq' };
    },
    absentQueue: 'access-denied',
    pass: (seconds) => clock.advance(seconds * SECOND_MS),
  };
});

objectReaderContract('An agent of the embedded runtime', async () => {
  const { store, reader } = await start();
  return { store, reader, prefix: 'blobs/' };
});

describe('the agent endpoint', () => {
  const denied = { name: 'PortError', code: 'access-denied', retryable: false };

  it('lets a host read its own queue only, and send to the queues that hosts report to', async () => {
    const { sqlite, queues } = await start();
    for (const queue of ['host-host-1-2', 'host-other-1', 'receipts', 'ingest']) sqlite.define(queue);
    for (const queue of ['host-host-1-2', 'host-other-1', 'receipts']) {
      await expect(queues.receive(queue, 1, 0, 30)).rejects.toMatchObject(denied);
      await expect(queues.remove(queue, 'handle')).rejects.toMatchObject(denied);
      await expect(queues.changeVisibility(queue, 'handle', 0)).rejects.toMatchObject(denied);
    }
    await expect(queues.send('ingest', [{ body: 'x' }])).rejects.toMatchObject(denied);
    await queues.send('receipts', [{ body: 'measured' }]);
    expect(await sqlite.receive('receipts', 1, 0, 30)).toMatchObject([{ body: 'measured' }]);
  });

  it('gives what a poll received back when its caller is gone', async () => {
    const { sqlite, own, url, token } = await start(systemClock);
    sqlite.define(own);
    const gone = new AbortController();
    const poll = fetch(`${url}/agent/queues/${own}/receive`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ max: 10, waitSeconds: 20, visibilitySeconds: 600 }),
      signal: gone.signal,
    });
    await systemClock.sleep(300);
    gone.abort();
    await expect(poll).rejects.toThrow(/aborted/);
    await systemClock.sleep(100);
    await sqlite.send(own, [{ body: 'for the living' }]);
    // A poll that nobody gives back would hide it for ten minutes.
    await eventually(async () => {
      expect(await sqlite.receive(own, 10, 0, 30)).toMatchObject([{ body: 'for the living' }]);
    });
  });

  it('shows a host nothing but blobs', async () => {
    const { store, reader } = await start();
    await store.write('uploads/secret', Uint8Array.of(1));
    await expect(reader.head('uploads/secret')).rejects.toMatchObject(denied);
    await expect(reader.readRange('uploads/secret', 'any', 0, 1)).rejects.toMatchObject(denied);
  });

  it('refuses a token that is forged, cut or over', async () => {
    const { reader, useToken, clock } = await start();
    const forged = await createHostTokens({ secret: 'another', clock }).issue(
      HostId.parse('host-1'),
      Generation.parse(1),
    );
    await reader.head('blobs/a');
    await clock.advance(HOUR_MS);
    await expect(reader.head('blobs/a')).rejects.toMatchObject(denied);
    for (const token of [forged.sessionToken, forged.sessionToken.slice(0, 20), '', '.']) {
      useToken(token);
      await expect(reader.head('blobs/a')).rejects.toMatchObject(denied);
    }
  });

  it('is unavailable, not wrong, when the runtime is gone', async () => {
    const client = { endpoint: 'http://127.0.0.1:9', token: () => 'any' };
    await expect(createHttpQueues(client).send('receipts', [{ body: 'x' }])).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
  });
});
