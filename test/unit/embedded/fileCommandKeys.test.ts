import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createFileCommandKeys } from '../../../lib/adapters/embedded/fileCommandKeys.ts';
import { nodeRandom } from '../../../lib/adapters/node/nodeRandom.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';
import { createManualClock } from '../../support/manualClock.ts';

const folder = mkdtempSync(join(tmpdir(), 'strata-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the command keys of the embedded runtime', () => {
  it('are made once, for their owner alone, and found again', async () => {
    const options = { path: join(folder, 'once'), clock: createManualClock(), random: nodeRandom };
    const first = await createFileCommandKeys(options).current();
    expect(statSync(options.path).mode & 0o777).toBe(0o600);
    expect(await createFileCommandKeys(options).current()).toEqual(first);
  });

  it('are for their owner alone whatever lies where they are written', async () => {
    const options = { path: join(folder, 'aside'), clock: createManualClock(), random: nodeRandom };
    writeFileSync(`${options.path}.next`, '', { mode: 0o644 });
    await createFileCommandKeys(options).current();
    expect(statSync(options.path).mode & 0o777).toBe(0o600);
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(elsewhere, '');
    symlinkSync(elsewhere, join(folder, 'linked.next'));
    await createFileCommandKeys({ ...options, path: join(folder, 'linked') }).current();
    expect(statSync(elsewhere).size).toBe(0);
  });

  it('are published a day before they sign and two days after', async () => {
    const clock = createManualClock();
    const keys = createFileCommandKeys({ path: join(folder, 'rotated'), clock, random: nodeRandom });
    const published = async () => (await keys.published()).map((key) => key.keyId);
    const first = (await keys.current()).keyId;
    await clock.advance(30 * DAY_MS);
    const [, second] = await published();
    expect((await keys.current()).keyId).toBe(first);
    await clock.advance(DAY_MS);
    expect((await keys.current()).keyId).toBe(second);
    expect(await published()).toEqual([first, second]);
    await clock.advance(2 * DAY_MS);
    expect(await published()).toEqual([second]);
  });
});
