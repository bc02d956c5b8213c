import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateKeyPair, signEnvelope } from '../../lib/fleet/index.ts';
import { arnOf, countingRandom, createFleetWorld, registration } from '../support/fleetWorld.ts';

const PATHS = ['/v1/hosts', '/v1/hosts/join', '/v1/hosts/rejoin', '/v1/hosts/refresh', '/v1/resolve'];

/** A JSON value with one thing in it changed: a field gone, of another kind, or far too long. */
function mutationOf(value: Record<string, unknown>): fc.Arbitrary<unknown> {
  const replacement = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>(undefined, Number.MAX_SAFE_INTEGER + 2, -1, 0.5, 'a'.repeat(5_000), [[[]]], {
      a: { b: {} },
    }),
    fc.constantFrom<unknown>('__proto__', 'constructor', '../../etc', 'gpu-a\u0000', 'ＧＰＵ', '\ud800'),
  );
  return fc
    .tuple(fc.constantFrom(...Object.keys(value), 'more'), replacement)
    .map(([name, other]) => ({ ...value, [name]: other }));
}

describe('hostile bodies', () => {
  const request = registration('gpu-a', generateKeyPair('fresh', countingRandom()).publicKey, { joinToken: 'none' });

  it.each([
    ['no JSON', '{"host":', 400, 'The body is no JSON.'],
    ['nothing', '', 400, 'The body is no JSON.'],
    ['too much', JSON.stringify({ ...request, zone: 'z'.repeat(200_000) }), 413, 'The body has at most 131072 bytes.'],
  ])('of %s are answered with what is wrong', async (_what, body, status, title) => {
    for (const path of PATHS) {
      const answer = await createFleetWorld().post(path, body, arnOf('gpu-a'));
      expect(answer).toMatchObject({ statusCode: status, json: { code: 'bad-request', title } });
    }
  });

  it('name the fields that are wrong, and no more than five', async () => {
    const wrong = { ...request, host: 'GPU', publicKey: 'short', labels: { __proto__x: 'a' }, capacityBytes: -1 };
    const answer = await createFleetWorld().post('/v1/hosts/join', wrong);
    const fields = (answer.json.errors as { field: string }[]).map(({ field }) => field);
    expect(fields).toEqual(expect.arrayContaining(['host', 'publicKey', 'capacityBytes']));
    const many = { ...request, subscriptions: Array.from({ length: 20 }, () => 'Ä') };
    expect((await createFleetWorld().post('/v1/hosts/join', many)).json.errors).toHaveLength(5);
  });

  it.each([
    ['65 labels', Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`l${at}`, '']))],
    ['a label of a strange name', { 'a b': '' }],
  ])('register no host with %s', async (_what, labels) => {
    const world = createFleetWorld();
    expect((await world.post('/v1/hosts', { ...request, labels }, arnOf('gpu-a'))).statusCode).toBe(400);
    expect(await world.host('gpu-a')).toBeUndefined();
  });

  it('lose labels that would be prototypes', async () => {
    const world = createFleetWorld();
    const body = JSON.stringify({ ...request, labels: { gpu: 'H100' } }).replace(
      '"gpu":',
      '"__proto__":{"a":1},"gpu":',
    );
    expect((await world.post('/v1/hosts', body, arnOf('gpu-a'))).statusCode).toBe(201);
    const { labels = {} } = (await world.host('gpu-a')) ?? {};
    expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
    expect(labels).toEqual({ gpu: 'H100' });
  });

  it('of another type than JSON are refused', async () => {
    const world = createFleetWorld();
    const answer = await world.post('/v1/hosts/join', 'a=1', undefined, { 'Content-Type': 'text/plain' });
    expect(answer).toMatchObject({ statusCode: 415, json: { code: 'bad-request' } });
  });

  it('never make the function fail, and register nobody', async () => {
    const world = createFleetWorld();
    const known = await world.addHost('gpu-z');
    const signed = signEnvelope({ schema: 'refresh-session/1', host: known.id, generation: 1, at: 0 }, known.key);
    const bodies = fc.oneof(
      fc.json(),
      fc.string(),
      fc.oneof(mutationOf({ ...request }), mutationOf({ ...signed })).map((body) => JSON.stringify(body)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...PATHS), bodies, async (path, body) => {
        const answer = await world.post(path, body);
        expect(answer.statusCode, `${path} ${body}: ${answer.body}`).toBeGreaterThanOrEqual(400);
        expect(answer.statusCode, `${path} ${body}: ${answer.body}`).toBeLessThan(500);
      }),
      { numRuns: 1_000 },
    );
    expect(world.records.filter(({ level }) => level === 'error')).toEqual([]);
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });
});
