import { describe, expect, it } from 'vitest';
import { Problem } from '../../events/host-api/v1.ts';
import { type Blob, RestoreRow, RestoreSpendingRow } from '../../lib/catalog/index.ts';
import { signEnvelope } from '../../lib/fleet/index.ts';
import { restoreVersion } from '../../lib/operations/restoreVersion.ts';
import { RESTORE_LIMITS } from '../../lib/restores/index.ts';
import { originLocation } from '../../lib/shared/ids.ts';
import { EpochMs, HOUR_MS } from '../../lib/shared/units.ts';
import { countingRandom, createFleetWorld, digestOf } from '../support/fleetWorld.ts';

const archived: Blob['origin'] = {
  location: originLocation('eu-west-1', 'GLACIER'),
  storageClass: 'GLACIER',
  versionId: 'v',
  billedSince: EpochMs.parse(0),
};

describe('a read of archived content, of which readers may bring back little', () => {
  const HALF_A_DAY = 12 * HOUR_MS;

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

  it('says why it does not begin, when it would, and what an operator can do, and begins when it is asked for then', async () => {
    // A GiB from GLACIER by the standard tier costs a bit more than $0.01.
    const { world, ask } = await limited({ restoreBudgetUsdPerDay: 0.015 });
    expect((await ask('sdxl')).json).toMatchObject({ code: 'archived' });
    const { statusCode, headers, json } = await ask('flux');
    expect(statusCode).toBe(429);
    expect(headers).toMatchObject({ 'retry-after': '3600' });
    expect(Problem.parse(json)).toMatchObject({
      code: 'restores-limited',
      title: expect.stringMatching(
        /its restore costs \$0\.01.*\(\$0\.01 a day\) is spent. More begin from 2025-11-21T00:00Z on\.$/,
      ),
      hint: expect.stringContaining('strata restore MODEL. The setting restoreBudgetUsdPerDay raises the limit.'),
    });
    // What is under way is told as before.
    expect((await ask('sdxl')).json).toMatchObject({ code: 'archived' });
    await world.clock.advance(HALF_A_DAY);
    expect((await ask('flux')).json).toMatchObject({ code: 'archived' });
    expect((await ask('wan')).json).toMatchObject({ code: 'restores-limited' });
  });

  it('says so also of the rate, and of what is too dear for any day', async () => {
    const rate = await limited({ restoresPerHour: 1 });
    await rate.ask('sdxl');
    expect((await rate.ask('flux')).json).toMatchObject({
      title: expect.stringContaining(
        'as many restores as readers may begin (1 an hour) have begun. More begin from 2025-11-20T13:00Z',
      ),
      hint: expect.stringContaining('restoresPerHour'),
    });
    const dear = await limited({ restoreBudgetUsdPerDay: 0 });
    expect((await dear.ask('sdxl')).json).toMatchObject({
      title: expect.stringMatching(/it alone costs more than readers may spend \(\$0.* a day\)\.$/),
      hint: expect.stringMatching(/^An operator brings it back/),
    });
  });

  it('begins for no more than may be spent, however many ask at once', async () => {
    const { world, ask, names } = await limited({ restoreBudgetUsdPerDay: 0.025 });
    const answers = await Promise.all([...names, ...names].map(ask));
    const begun = answers.filter(({ json }) => (json as { code?: string }).code === 'archived');
    expect(begun.length).toBeGreaterThanOrEqual(2);
    const restored = await Promise.all(
      ['a', 'b', 'c', 'd'].map((letter) => RestoreRow.get(world.catalog, digestOf(letter))),
    );
    expect(restored.filter((row) => row !== undefined)).toHaveLength(2);
    expect((await RestoreSpendingRow.get(world.catalog))?.value).toMatchObject({ restores: 2 });
  });

  it('begins all the same for an operator, and is counted', async () => {
    const { world, ask } = await limited({ restoreBudgetUsdPerDay: 0.015 });
    await ask('sdxl');
    const operator = { reference: 'flux@latest', dryRun: false };
    const random = countingRandom();
    const { items } = await restoreVersion({ ...world.deps, random }, operator);
    expect(items).toMatchObject([{ state: 'asked' }]);
    expect((await RestoreSpendingRow.get(world.catalog))?.value).toMatchObject({ restores: 2 });
    expect((await ask('flux')).json).toMatchObject({ code: 'archived' });
  });
});
