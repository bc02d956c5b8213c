import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it, vi } from 'vitest';
import { applyPlan, type PlannedMove } from '../../cli/commands/applyPlan.ts';
import { Digest } from '../../lib/shared/ids.ts';

// A plane that fails some moves, over its real endpoint.

let server: Server;
let endpoint: string;
let failing: (digest: string) => boolean;
let asked: string[];
let printed: string;

async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { digest } = JSON.parse(await text(request)) as { digest: string };
  asked.push(digest);
  const failure = { code: 'contended', message: 'lost its races', retryable: true };
  const answer = failing(digest) ? { ok: false, failure } : { ok: true, output: { digest, reason: 'cheaper' } };
  response.end(JSON.stringify(answer));
}

beforeAll(async () => {
  server = createServer((request, response) => void reply(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

beforeEach(() => {
  asked = [];
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
});

afterEach(() => vi.restoreAllMocks());

const moves = (count: number): PlannedMove[] =>
  Array.from({ length: count }, (_, index) => ({
    digest: Digest.parse(String(index).padStart(64, '0')),
    action: 'transition' as const,
    to: 'GLACIER_IR' as const,
    usd: 0.01,
    caught: undefined,
  }));

const apply = (count: number) =>
  applyPlan(moves(count), { endpoint, policy: 'rules', yes: true, maxCost: 1, maxMoves: 100, json: true });

describe('a plan that is applied', () => {
  it('sets every other move going where one fails, tells it, and is no success', async () => {
    failing = (digest) => digest.endsWith('1');
    await expect(apply(4)).rejects.toThrow('1 moves could not be set going');
    expect(asked).toHaveLength(4);
    const outcomes = printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { reason: string; objects: number });
    expect(outcomes.map(({ reason, objects }) => [reason, objects])).toEqual([
      ['cheaper', 3],
      ['failed: contended', 1],
    ]);
  });

  it('gives up where the plane fails every move from the first on', async () => {
    failing = () => true;
    await expect(apply(50)).rejects.toMatchObject({ code: 'contended' });
    expect(asked).toHaveLength(5);
  });
});
