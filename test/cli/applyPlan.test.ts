import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it, vi } from 'vitest';
import { applyPlan, type PlannedMove } from '../../cli/commands/applyPlan.ts';
import { shardOf } from '../../lib/catalog/index.ts';
import { Digest } from '../../lib/shared/ids.ts';

// A plane that fails some moves, over its real endpoint.

let server: Server;
let endpoint: string;
let failing: (digest: string) => boolean;
let asked: string[];
let printed: string;
let told: string;
let begun: Asked['shards'];
let begins: boolean;
let atOnce: { underWay: number; most: number };

interface Asked {
  readonly goesOn?: boolean;
  readonly digest: string;
  readonly shards?: readonly { readonly budgetUsd: number; readonly mostMoves: number }[];
}

async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { digest, goesOn, shards } = JSON.parse(await text(request)) as Asked;
  if (shards !== undefined) {
    begun = shards;
    begins = goesOn !== true;
    const items = shards.map((limits, shard) => ({ ...limits, shard, reservedUsd: 0, moves: 1 }));
    response.end(JSON.stringify({ ok: true, output: { items } }));
    return;
  }
  asked.push(digest);
  atOnce.underWay += 1;
  atOnce.most = Math.max(atOnce.most, atOnce.underWay);
  await new Promise((done) => setTimeout(done, 5));
  atOnce.underWay -= 1;
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
  told = '';
  begun = undefined;
  atOnce = { underWay: 0, most: 0 };
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    told += String(chunk);
    return true;
  });
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

const apply = (count: number, over: { readonly run?: string; readonly maxMoves?: number } = {}) =>
  applyPlan(moves(count), { endpoint, policy: 'rules', yes: true, maxCost: 1, maxMoves: 100, json: true, ...over });

const outcomes = () =>
  printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { reason: string; objects: number })
    .map(({ reason, objects }) => [reason, objects]);

describe('a plan that is applied', () => {
  it('sets every other move going where one fails, tells it, and is no success', async () => {
    failing = (digest) => digest.endsWith('1');
    await expect(apply(4)).rejects.toThrow('1 move could not be set going');
    expect(asked).toHaveLength(4);
    expect(outcomes()).toEqual([
      ['cheaper', 3],
      ['failed: contended', 1],
    ]);
  });

  it('gives up where the plane fails every move from the first on', async () => {
    failing = () => true;
    await expect(apply(50)).rejects.toMatchObject({ code: 'contended' });
    expect(asked.length).toBeLessThan(5 + 16);
  });

  it('sends the moves of all shards at once, those of one shard in their order', async () => {
    failing = () => false;
    await apply(60);
    expect(atOnce.most).toBeGreaterThan(8);
    expect(atOnce.most).toBeLessThanOrEqual(16);
    const shards = Array.from({ length: 16 }, (_, shard) => asked.filter((one) => shardOf(one, 16) === shard));
    for (const shard of shards) expect(shard).toEqual(shard.toSorted());
    expect(new Set(asked).size).toBe(60);
    expect(told).toMatch(/"schema":"strata.plan.progress\/v1".*"movesDone":60,"totalMoves":60/);
  });

  it('sends what its limits allow, in the order of the plan, and tells how many are beyond them', async () => {
    failing = () => false;
    await apply(40, { maxMoves: 30 });
    expect(outcomes()).toEqual([
      ['beyond-limits', 10],
      ['cheaper', 30],
    ]);
    expect(asked.toSorted().at(-1)).toMatch(/29$/);
    expect(begun?.reduce((sum, { mostMoves }) => sum + mostMoves, 0)).toBe(30);
    expect(begun?.reduce((sum, { budgetUsd }) => sum + budgetUsd, 0)).toBeLessThanOrEqual(1);
  });

  it('goes on with a run, and says how far that was', async () => {
    failing = () => false;
    await apply(1);
    expect(begins).toBe(true);
    asked = [];
    await apply(3, { run: 'run-1' });
    expect(begins).toBe(false);
    expect(told).toContain('Run run-1 goes on: 16 of at most 100 moves sent, $0.00 of $1.00 reserved');
    expect(asked).toHaveLength(3);
  });

  it('says how to go on where it is interrupted', async () => {
    failing = () => false;
    const applied = apply(60);
    await expect.poll(() => asked.length, { interval: 1 }).toBeGreaterThan(20);
    process.emit('exit', 130);
    expect(told).toMatch(/Stopped after \d+ of 60\. Go on: the same command with --run [0-9a-f-]{36}\n/);
    await applied;
    told = '';
    process.emit('exit', 0);
    expect(told).toBe('');
  });
});
