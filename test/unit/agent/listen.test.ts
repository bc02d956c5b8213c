import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { afterAll, describe, expect, it } from 'vitest';
import { ListenError, listenOnSocket } from '../../../agent/server/listen.ts';

const folder = mkdtempSync(join(tmpdir(), 'strata-listen-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the socket of the local API', () => {
  it('is for its owner alone', async () => {
    const path = join(folder, 'agent.sock');
    const listening = await listenOnSocket(new Hono(), path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await listening.close();
  });

  it('takes the place of nothing that is no socket', async () => {
    const file = join(folder, 'notes');
    const link = join(folder, 'link');
    writeFileSync(file, 'mine');
    symlinkSync(file, link);
    for (const path of [file, link]) await expect(listenOnSocket(new Hono(), path)).rejects.toThrow(ListenError);
    expect(readFileSync(link, 'utf8')).toBe('mine');
  });
});
