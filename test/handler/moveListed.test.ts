import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { plannedMove } from '../../cli/commands/applyPlan.ts';
import { ManifestWriter } from '../../cli/commands/planManifest.ts';
import { createMoveListedHandler } from '../../functions/move-listed/handler.ts';
import { AccessMonthRow, ServiceLevelRow } from '../../lib/catalog/index.ts';
import { planTiers } from '../../lib/operations/tiers.ts';
import { compileRates, decideTier, TIER_RULES } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import { ModelName } from '../../lib/shared/ids.ts';
import { testContext } from '../support/envelopes.ts';
import { moveListed } from '../support/inventory.ts';
import type { EpochMs } from '../../lib/shared/units.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

const JOB = { runId: 'run-1', policy: 'rules', to: 'STANDARD_IA', at: '0', budgetUsd: '100', mostMoves: '1600' };
const jobAt = (world: TieringWorld, over: object = {}) => ({ ...JOB, at: String(world.clock.now()), ...over });

async function lineOf(world: TieringWorld, seed: number, ageDays = 40) {
  const { digest, origin } = await world.addBlob(seed, ageDays);
  return { digest, key: blobKey(digest), versionId: origin.versionId };
}

describe('a line of a manifest', () => {
  it('sets its move going once however often S3 calls, and the move is made', async () => {
    const world = await createTieringWorld();
    const line = await lineOf(world, 1);
    expect(await moveListed(world, jobAt(world), [line, line])).toEqual([
      { resultCode: 'Succeeded', resultString: 'moving: young-content' },
      { resultCode: 'Succeeded', resultString: 'moving: sent-before' },
    ]);
    await world.run();
    expect((await world.blob(line.digest)).origin.storageClass).toBe('STANDARD_IA');
    const [action] = await world.actions(line.digest);
    expect(action).toMatchObject({ state: 'done', correlationId: 'plan-run-1' });
  });

  it('restores what is archived once however often S3 calls, and another job is told that it comes back already', async () => {
    const world = await createTieringWorld();
    const { digest, origin } = await world.addBlob(1, 800, 'GLACIER');
    await world.refer(digest, 'flux', '1.0.0');
    const promise = { model: ModelName.parse('flux'), restoreToleranceMs: 60_000, updatedAt: world.clock.now() };
    await world.catalog.transact([ServiceLevelRow.put(promise, 'absent')]);
    const line = { key: blobKey(digest), versionId: origin.versionId };
    const job = jobAt(world, { to: 'GLACIER_IR' });
    expect(await moveListed(world, job, [line, line])).toEqual([
      { resultCode: 'Succeeded', resultString: 'moving: restore-begun' },
      { resultCode: 'Succeeded', resultString: 'moving: sent-before' },
    ]);
    expect(await moveListed(world, { ...job, runId: 'run-2' }, [line])).toEqual([
      { resultCode: 'PermanentFailure', resultString: 'kept: restore-under-way' },
    ]);
    const restores = (await world.actions(digest)).filter(({ type }) => type === 'restore');
    expect(restores.map(({ correlationId }) => correlationId)).toEqual(['plan-run-1']);
    expect(await world.restore(digest)).toMatchObject({ to: 'GLACIER_IR', correlationId: 'plan-run-1' });
  });

  it('is refused with its reason, for the report, where the plan no longer fits', async () => {
    const world = await createTieringWorld();
    const [fits, young] = [await lineOf(world, 1), await lineOf(world, 2, 3)];
    const lines = [
      { ...fits, versionId: 'an older version' },
      { ...fits, key: 'blobs/readme.txt' },
      { ...fits, key: `blobs/${'0'.repeat(64)}` },
      young,
    ];
    const results = await moveListed(world, jobAt(world), lines);
    expect(results.map(({ resultString }) => resultString)).toEqual([
      'kept: origin-moved',
      'kept: no-blob',
      'kept: unknown-blob',
      'kept: already-there',
    ]);
    expect(new Set(results.map(({ resultCode }) => resultCode))).toEqual(new Set(['PermanentFailure']));
    const [otherwise] = await moveListed(world, jobAt(world, { to: 'GLACIER' }), [fits]);
    expect(otherwise?.resultString).toBe('kept: decided-otherwise');
    expect(await world.takeOutbox()).toEqual([]);
  });

  it('keeps to the moves and dollars of its plan, each shard of the catalog to its part', async () => {
    const world = await createTieringWorld();
    const lines = [];
    for (let seed = 0; seed < 40; seed += 1) lines.push(await lineOf(world, seed));
    const byMoves = await moveListed(world, jobAt(world, { mostMoves: '16' }), lines);
    expect(byMoves.filter(({ resultCode }) => resultCode === 'Succeeded').length).toBeLessThanOrEqual(16);
    expect(byMoves.some(({ resultString }) => resultString === 'kept: rate-reached')).toBe(true);
    const byDollars = await moveListed(world, jobAt(world, { runId: 'run-2', budgetUsd: '0' }), lines);
    expect(byDollars.map(({ resultString }) => resultString)).not.toContain('moving: young-content');
  });

  it('moves nothing in a dry run, nor while sweeps are off', async () => {
    for (const [mode, text] of [
      ['dry-run', 'kept: dry-run'],
      ['off', 'kept: switched-off'],
    ] as const) {
      const world = await createTieringWorld(undefined, mode);
      const [result] = await moveListed(world, jobAt(world), [await lineOf(world, 1)]);
      expect(result).toEqual({ resultCode: 'PermanentFailure', resultString: text });
      expect(await world.takeOutbox()).toEqual([]);
    }
  });

  it('comes again when the catalog does not answer', async () => {
    const world = await createTieringWorld({
      catalog: (store) => ({ ...store, get: () => Promise.reject(new Error('throttled')) }),
      objects: (store) => store,
    });
    const key = blobKey((await world.addBlob(1, 40)).digest);
    const [result] = await moveListed(world, jobAt(world), [{ key, versionId: null }]);
    expect(result).toEqual({ resultCode: 'TemporaryFailure', resultString: expect.stringContaining('throttled') });
  });

  it('is the envelope of the samples, and nothing else', async () => {
    const handler = createMoveListedHandler((await createTieringWorld()).deps);
    const sample = (name: string): unknown =>
      JSON.parse(readFileSync(`events/aws/batchOperationsCall.v1.${name}.json`, 'utf8'));
    expect(await handler(sample('sample'), testContext())).toMatchObject({
      invocationSchemaVersion: '2.0',
      treatMissingKeysAs: 'PermanentFailure',
      results: [{ taskId: 'dGFza2lkZ29lc2hlcmUK', resultCode: 'PermanentFailure' }],
    });
    await expect(handler(sample('schema-1.invalid'), testContext())).rejects.toThrow('no line of a plan');
  });
});

describe('strata plan --manifest', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strata-manifest-'));
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  const PLACE = {
    bucket: 'models',
    inventoryBucket: 'lists',
    account: '123456789012',
    jobRole: 'arn:aws:iam::123456789012:role/strata-batch-jobs-eu-west-1',
    jobFunction: 'arn:aws:lambda:eu-west-1:123456789012:function:strata-move-listed',
  };

  async function write(world: TieringWorld, over: object = {}): Promise<void> {
    const at = world.clock.now();
    const options = { ...PLACE, policy: 'rules', at, maxCost: 100, maxMoves: 1600, ...over };
    const writer = new ManifestWriter(folder, options);
    try {
      await addAll(writer, world, at);
      await writer.end();
    } finally {
      await writer.abandon();
    }
  }

  async function addAll(writer: ManifestWriter, world: TieringWorld, at: EpochMs): Promise<void> {
    const rates = compileRates(shippedPriceBook());
    for (let token: string | undefined = '0'; token !== undefined; ) {
      const page: Awaited<ReturnType<typeof planTiers>> = await planTiers(world.deps, {
        policy: 'rules',
        limit: 100,
        nextToken: token,
      });
      for (const { facts, versionId } of page.items) {
        const decision = decideTier(facts, TIER_RULES, rates, at);
        if (decision.action === 'transition') await writer.add(plannedMove(facts, decision, rates, at), versionId);
      }
      token = page.nextToken;
    }
  }

  it('leaves what was there, and nothing half, when the plane fails after some lines', async () => {
    const world = await createTieringWorld();
    await world.addBlob(1, 40);
    await write(world);
    const before = await readFile(join(folder, 'STANDARD_IA.csv'), 'utf8');
    const options = { ...PLACE, policy: 'rules', at: world.clock.now(), maxCost: 100, maxMoves: 1600 };
    const writer = new ManifestWriter(folder, options);
    await addAll(writer, world, world.clock.now());
    expect(await readdir(folder)).toContain('STANDARD_IA.csv.partial');
    expect(await readFile(join(folder, 'STANDARD_IA.csv'), 'utf8')).toBe(before);
    await writer.abandon();
    expect((await readdir(folder)).toSorted()).toEqual(['STANDARD_IA.csv', 'STANDARD_IA.json']);
  });

  it('writes lines and a job that the function takes as they are', async () => {
    const world = await createTieringWorld();
    const blobs = [await world.addBlob(1, 40), await world.addBlob(2, 40), await world.addBlob(3, 3)];
    await write(world);
    expect((await readdir(folder)).toSorted()).toEqual(['STANDARD_IA.csv', 'STANDARD_IA.json']);
    const csv = await readFile(join(folder, 'STANDARD_IA.csv'), 'utf8');
    const lines = csv
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const expected = blobs.slice(0, 2).map(({ digest, origin }) => `models,blobs/${digest},${origin.versionId}`);
    expect(new Set(csv.trimEnd().split('\n'))).toEqual(new Set(expected));
    const job = JSON.parse(await readFile(join(folder, 'STANDARD_IA.json'), 'utf8'));
    const { UserArguments: given, InvocationSchemaVersion } = job.Operation.LambdaInvoke;
    expect(InvocationSchemaVersion).toBe('2.0');
    expect(job).toMatchObject({
      ConfirmationRequired: true,
      Manifest: {
        Spec: { Format: 'S3BatchOperations_CSV_20180820', Fields: ['Bucket', 'Key', 'VersionId'] },
        Location: {
          ObjectArn: `arn:aws:s3:::lists/manifests/${given.runId}/STANDARD_IA.csv`,
          ETag: createHash('md5').update(csv).digest('hex'),
        },
      },
      Report: { Bucket: 'arn:aws:s3:::lists', ReportScope: 'AllTasks' },
      RoleArn: PLACE.jobRole,
    });
    const results = await moveListed(
      world,
      given,
      lines.map(([, key = '', versionId = '']) => ({ key, versionId })),
    );
    expect(results.map(({ resultString }) => resultString)).toEqual(['moving: young-content', 'moving: young-content']);
  });

  it('leaves nothing behind when an object that is in use would be caught', async () => {
    const world = await createTieringWorld();
    const used = await world.addBlob(1, 40);
    await world.addBlob(2, 40);
    const day = new Date(world.clock.now()).toISOString();
    const row = { digest: used.digest, shard: 0, month: day.slice(0, 7), days: { [day.slice(8, 10)]: 1 }, hits: 0 };
    await world.catalog.transact([AccessMonthRow.put({ ...row, lastAt: world.clock.now() }, 'absent')]);
    await expect(write(world)).rejects.toThrow('in use');
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses to begin without what a job needs, or over an old inventory', () => {
    const options = { ...PLACE, policy: 'rules', at: 0 as never, maxCost: 1, maxMoves: 1 };
    expect(() => new ManifestWriter(folder, { ...options, jobRole: '' })).toThrow('--manifest needs --job-role');
    expect(() => new ManifestWriter(folder, { ...options, inventory: 'facts.jsonl' })).toThrow('may be old');
  });
});
