import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerServiceLevel } from '../../../cli/commands/serviceLevel.ts';
import { useCommands } from '../../support/commands.ts';

const FILES = 450;

let server: Server;
let plane: readonly string[];
let pages: number;

/** A plane with a model of 450 files, of which the first of each page breaks the promise. */
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { limit, nextToken = '0' } = JSON.parse(body) as { limit: number; nextToken?: string };
      const level = { model: 'flux', restoreToleranceMs: 60_000, updatedAt: 1_795_176_000_000 };
      const output = request.url?.endsWith('setServiceLevel') === true ? level : brokenPage(Number(nextToken), limit);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, output }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  plane = ['--endpoint', `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`];
});

afterAll(() => server.close());

function brokenPage(from: number, limit: number): object {
  pages += 1;
  const left = Math.max(0, FILES - from - limit);
  const digest = String(from).padStart(64, '0');
  const file = { model: 'flux', version: '1.0.0', file: 'f', digest, bytes: 10, storageClass: 'GLACIER' };
  const broken = { ...file, action: 'keep', reason: 'held', usd: 0, restoreMs: 0, policy: 'rules', sweep: 'on' };
  return { items: [broken], left, ...(left === 0 ? {} : { nextToken: String(from + limit) }) };
}

describe('strata service-level set', () => {
  const { strata, told } = useCommands(registerServiceLevel);
  const set = (...args: readonly string[]) => {
    pages = 0;
    return strata('service-level', 'set', 'flux', '--restore-tolerance', '1m', '--by', 'ada', ...plane, ...args);
  };

  it('looks at the first files for what breaks the promise, and tells how many are left', async () => {
    expect((await set()).match(/flux@1\.0\.0/g)).toHaveLength(1);
    expect([pages, told()]).toEqual([
      1,
      expect.stringContaining('and 250 more of its files were not looked at; --all'),
    ]);
  });

  it('looks at all of them where that is asked for', async () => {
    expect((await set('--all')).match(/flux@1\.0\.0/g)).toHaveLength(3);
    expect([pages, told().includes('not looked at')]).toEqual([3, false]);
  });
});
