import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPinoLogger, createPinoTelemetry } from '../../lib/adapters/node/pinoTelemetry.ts';
import { parseTierRules } from '../../lib/placement/index.ts';
import { LOOK_PARTS } from '../../lib/tiering/index.ts';
import { DAY_MS, EpochMs } from '../../lib/shared/units.ts';
import { type DataFolder, takeDataFolder } from '../../runtime/dataFolder.ts';
import { type EmbeddedRuntime, startEmbeddedRuntime } from '../../runtime/embeddedRuntime.ts';
import { scheduleEvent } from '../../runtime/envelopes.ts';
import { eventually } from '../support/eventually.ts';
import { safetensors } from '../support/ingestPlane.ts';
import { strataHere } from './strataHere.ts';

let folder: DataFolder;
let runtime: EmbeddedRuntime;
let sweeps = 0;

beforeAll(async () => {
  folder = takeDataFolder(undefined);
  const telemetry = createPinoTelemetry(createPinoLogger({ level: 'warn', path: folder.at('logs', 'runtime.jsonl') }));
  runtime = await startEmbeddedRuntime({ folder, port: 0, telemetry, settings: { tierPolicy: 'dollars' } });
});

afterAll(async () => {
  await runtime.stop();
  folder.release();
});

const strata = (...args: readonly string[]) => strataHere(args, { environment: { STRATA_DATA: folder.path } });

/** The sweep of another day begins; its messages follow. */
async function sweep(): Promise<void> {
  sweeps += 1;
  const at = EpochMs.parse(runtime.deps.clock.now() + sweeps * DAY_MS);
  const { outcome } = await runtime.invoker.invoke('start-sweep', scheduleEvent('sweep', at));
  expect(outcome).toBe('answered');
}

async function shown(): Promise<Record<string, unknown>> {
  const { stdout } = await strata('policy', 'show', '--json');
  return JSON.parse(stdout) as Record<string, unknown>;
}

// Each step goes on from where the one before has left the plane.
describe('the policy of a plane', () => {
  it('is what is configured before a sweep has begun, for every command', async () => {
    const path = join(folder.path, 'upload.safetensors');
    mkdirSync(folder.path, { recursive: true });
    writeFileSync(path, safetensors(400, 3));
    expect((await strata('push', 'tiny@1.0.0', path, '--wait')).code).toBe(0);
    const nothing = await strata('policy', 'show');
    expect([nothing.code, nothing.stderr]).toEqual([0, expect.stringContaining('No sweep has begun yet')]);
    const judged =
      'Judged by dollars-3, as configured: nothing is in force yet (strata policy show); packing dry-run.\n';
    expect((await strata('plan')).stdout).toContain(judged);
    const diff = await strata('policy', 'diff', 'in-force', 'wanted');
    expect([diff.code, diff.stdout]).toEqual([
      0,
      expect.stringContaining('From where everything lies, since nothing is in force, to dollars-3 (packing dry-run)'),
    ]);
    expect((await strata('explain', 'tiny')).stdout).toContain(judged);
    expect((await strata('opportunities')).stdout).toContain(judged);
    expect((await strata('show', 'tiny')).stdout).toContain('Policy dollars (dollars-3, configured, sweep on):');
  });

  it('is looked at by the first sweep, from where everything lies, while nothing is in force', async () => {
    await sweep();
    await eventually(async () => expect(await shown()).toMatchObject({ decides: false, look: { parts: LOOK_PARTS } }));
    expect(await shown()).not.toHaveProperty('inForce');
    expect((await strata('policy', 'show')).stdout).toMatch(
      /\nnothing yet .* dollars-3, packing dry-run +0 +0 +looked at 64 of 64 parts: the next sweep decides\n$/,
    );
    const diff = await strata('policy', 'diff', 'in-force', 'wanted');
    expect([diff.code, diff.stdout]).toEqual([
      0,
      expect.stringContaining('From where everything lies, since nothing is in force, to dollars-3'),
    ]);
  });

  it('is in force from the second sweep on, and what was asked for otherwise is said to be that', async () => {
    await sweep();
    expect((await strata('policy', 'show')).stdout).toMatch(
      /^IN FORCE +SINCE.*\ndollars-3, packing dry-run .* in force\n$/,
    );
    expect((await strata('explain', 'tiny')).stdout).toMatch(/Judged by dollars-3, in force since \d{4}-/);
    const asked = await strata('explain', 'tiny', '--policy', 'lifecycle');
    expect(asked.stdout).toContain('Decided by lifecycle-rules-2 ');
    expect(asked.stdout).toContain('Judged by lifecycle-rules-2, as asked: it is not what the plane decides by');
    const plan = JSON.parse((await strata('plan', '--json')).stdout) as Record<string, unknown>;
    expect(plan).toMatchObject({ policy: 'dollars-3', basis: 'in-force' });
  });

  it('stays while a sweep looks at a change; only that change can be accepted, by name', async () => {
    const nothing = await strata('policy', 'diff', 'in-force', 'wanted');
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining('nothing waits')]);
    Object.assign(runtime.deps.settings, { tierPolicy: 'rules', tierRules: parseTierRules('warmAgeDays=100') });
    expect(await shown()).toMatchObject({ inForce: 'dollars', wanted: 'rules' });
    await sweep();
    expect(await shown()).toMatchObject({ inForce: 'dollars', wanted: 'rules' });
    expect((await strata('policy', 'show')).stdout).toContain('rules-2(warmAgeDays=100), packing dry-run');
    expect((await strata('explain', 'tiny')).stdout).toContain('Judged by dollars-3, in force');
    expect((await strata('explain', 'tiny', '--policy', 'rules')).stdout).toContain(
      'Decided by rules-2(warmAgeDays=100)',
    );
    const diff = JSON.parse((await strata('policy', 'diff', 'in-force', 'wanted', '--json')).stdout) as object;
    expect(diff).toMatchObject({ present: 'dollars-3', next: 'rules-2(warmAgeDays=100)', objects: 1 });
    const more = JSON.parse(
      (await strata('policy', 'diff', 'wanted', 'wanted:warmAgeDays=90', '--json')).stdout,
    ) as object;
    expect(more).toMatchObject({ present: 'rules-2(warmAgeDays=100)', next: 'rules-2(warmAgeDays=90)' });
    const other = await strata('policy', 'accept', 'lifecycle', '--by', 'ada');
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('What waits is the change to rules')]);
    expect((await strata('policy', 'accept', 'luck')).code).toBe(2);
    const dry = await strata('policy', 'accept', 'rules', '--by', 'ada', '--dry-run');
    expect([dry.code, dry.stderr]).toEqual([0, expect.stringContaining('Nothing was changed')]);
    expect(await shown()).not.toHaveProperty('acceptedBy');
    expect((await strata('policy', 'accept', 'rules', '--by', 'ada')).stdout).toContain('accepted by ada');
  });

  it('is the accepted one from the next sweep on', async () => {
    await sweep();
    expect(await shown()).toMatchObject({ inForce: 'rules', settings: { tierRules: { warmAgeDays: 100 } } });
    expect((await strata('explain', 'tiny')).stdout).toContain('Judged by rules-2(warmAgeDays=100), in force since');
    const again = await strata('policy', 'accept', 'rules', '--by', 'ada');
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('No change of policy waits')]);
  });

  it('is compared with other settings of it, on the plane’s own objects', async () => {
    const same = await strata('policy', 'diff', 'in-force', 'rules');
    expect([same.code, same.stdout]).toEqual([0, expect.stringContaining('0 of 1 object would be elsewhere')]);
    const diff = await strata('policy', 'diff', 'in-force', 'rules:warmAgeDays=90,tierPacking=on');
    expect(diff.stdout).toContain(
      'From rules-2(warmAgeDays=100) (packing dry-run) to rules-2(warmAgeDays=90) (packing on',
    );
    expect((await strata('policy', 'diff', 'in-force', 'rules:warmAge=9')).code).toBe(2);
  });
});
