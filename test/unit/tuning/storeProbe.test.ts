import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENGINE_DEFAULTS } from '../../../lib/adapters/transfer/engineConfig.ts';
import { openStoreProbe } from '../../../lib/adapters/tuning/storeProbe.ts';

const PROXIES = { http: undefined, https: undefined, no: undefined };
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-probe-'));
});
afterEach(() => rm(folder, { recursive: true }));

const servers = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;

describe('what a host is measured by', () => {
  it('brings no object that the volume has no room for', async () => {
    const server = createServer((_, answer) => {
      answer.writeHead(206, { 'Content-Range': 'bytes 0-0/10000000000000', 'Content-Length': 1, ETag: '"x"' }).end('x');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const opened = openStoreProbe({ folder, bytes: 1, url: `http://127.0.0.1:${port}/x`, proxies: PROXIES });
    await expect(opened).rejects.toMatchObject({ code: 'no-room' });
    expect(await readdir(folder)).toEqual([]);
    await new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    });
  });

  it('serves nothing any more where it has no room for what it would serve', async () => {
    const before = servers();
    const opened = openStoreProbe({ folder, bytes: 1e13, proxies: PROXIES });
    await expect(opened).rejects.toMatchObject({ code: 'no-room' });
    await expect.poll(servers).toBe(before);
  });

  it('fetches by threads that begin with each run: their memory is what the setting in hand gives them', async () => {
    let threads = 0;
    const begun = () => (threads += 1);
    process.on('worker', begun);
    const probe = await openStoreProbe({ folder, bytes: 1024 ** 2, proxies: PROXIES });
    try {
      for (const expected of [ENGINE_DEFAULTS.workers.plain, 2 * ENGINE_DEFAULTS.workers.plain]) {
        const { fill, load } = await probe.measure();
        expect([fill > 0 && fill < 1e12, load > 0 && load < 1e12, threads]).toEqual([true, true, expected]);
      }
    } finally {
      process.off('worker', begun);
      await probe.close();
    }
  });
});
