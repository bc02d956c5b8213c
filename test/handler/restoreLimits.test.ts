import { describe, expect, it } from 'vitest';
import { Problem } from '../../events/host-api/v1.ts';
import { type Blob, RestoreSpendingRow } from '../../lib/catalog/index.ts';
import { signEnvelope } from '../../lib/fleet/index.ts';
import { restoreVersion } from '../../lib/operations/restoreVersion.ts';
import { RESTORE_LIMITS } from '../../lib/restores/index.ts';
import { originLocation } from '../../lib/shared/ids.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import { countingRandom, createFleetWorld } from '../support/fleetWorld.ts';

const archived: Blob['origin'] = {
  location: originLocation('eu-west-1', 'GLACIER'),
  storageClass: 'GLACIER',
  versionId: 'v',
  billedSince: EpochMs.parse(0),
};

describe('a read of archived content, of which readers may bring back little', () => {
  async function limited(limits: { restoreBudgetUsdPerDay?: number; restoresPerHour?: number }) {
    const world = createFleetWorld(undefined, undefined, { ...RESTORE_LIMITS, ...limits });
    const host = await world.addHost('gpu-a');
    const names = ['sdxl', 'flux', 'wan', 'llama'];
    for (const [index, name] of names.entries()) {
      await world.publish(name, '1.0.0', { 'a.safetensors': 'abcd'[index] ?? 'a' }, { origin: archived });
    }
    const { generation } = host.session;
    const ask = (model: string) => {
      const request = { schema: 'resolve-model/1', host: host.id, generation, at: world.clock.now(), model };
      return world.post('/v1/resolve', signEnvelope({ ...request, reference: 'latest' }, host.key));
    };
    return { world, ask, names };
  }

  it('is told when its turn comes and when it is ready, and what an operator can do; then it begins without being asked', async () => {
    const { ask } = await limited({ restoresPerHour: 1 });
    expect((await ask('sdxl')).json).toMatchObject({
      title: expect.stringContaining('and being restored: ready at about'),
    });
    const { statusCode, headers, json } = await ask('flux');
    expect(statusCode).toBe(409);
    expect(Problem.parse(json)).toMatchObject({
      code: 'archived',
      title: expect.stringMatching(
        /its restore waits for its turn.*it begins at about 2025-11-20T13:00Z, ready at about 2025-11-20T18:10Z\.$/,
      ),
      hint: expect.stringContaining('It keeps its place in line'),
      readyAt: Date.parse('2025-11-20T18:10:00Z'),
    });
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1800);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(3600);
  });

  it('says so of what is too dear for any day, and where none may begin', async () => {
    const dear = await limited({ restoreBudgetUsdPerDay: 0 });
    expect((await dear.ask('sdxl')).json).toMatchObject({
      code: 'restores-limited',
      title: expect.stringMatching(/it alone costs more than readers may spend \(\$0.* a day\)\.$/),
      hint: expect.stringMatching(/^An operator brings it back/),
    });
    const none = await limited({ restoresPerHour: 0 });
    const { statusCode, headers, json } = await none.ask('sdxl');
    expect(statusCode).toBe(429);
    expect(Number(headers['retry-after'])).toBeGreaterThan(1000);
    expect(json).toMatchObject({
      title: expect.stringContaining('as many restores as readers may begin (0 an hour) have begun'),
      hint: expect.stringContaining('The setting restoresPerHour raises the limit.'),
    });
  });

  it('answers everybody, however many ask at once', async () => {
    const { world, ask, names } = await limited({ restoresPerHour: 1 });
    const answers = await Promise.all([...names, ...names, ...names].map(ask));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(12).fill(409));
    expect(await RestoreSpendingRow.get(world.catalog)).toBeUndefined();
  });

  it('begins all the same for an operator, and is counted', async () => {
    const { world, ask } = await limited({ restoreBudgetUsdPerDay: 0.015 });
    await ask('sdxl');
    const operator = { reference: 'flux@latest', dryRun: false };
    const random = countingRandom();
    const { items } = await restoreVersion({ ...world.deps, random }, operator);
    expect(items).toMatchObject([{ state: 'asked' }]);
    expect((await RestoreSpendingRow.get(world.catalog))?.value).toMatchObject({ restores: 1 });
    expect((await ask('flux')).json).toMatchObject({ code: 'archived' });
  });
});
