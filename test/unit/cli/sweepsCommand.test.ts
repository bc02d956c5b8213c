import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerSweeps } from '../../../cli/commands/sweeps.ts';
import { useCommands } from '../../support/commands.ts';

const RUN = {
  runId: '1795176000000',
  by: 'sweep',
  startedAt: 1_795_176_000_000,
  moves: 3,
  bytes: 6_000_000,
  reservedUsd: 0.25,
  budgetUsd: 10,
};
const NOTHING = { of: 16, blobs: 0, moves: 0, bytes: 0, placements: 0, left: 0, leftUsd: 0 };
const HALF_WARM = {
  ...RUN,
  stages: [
    {
      ...NOTHING,
      stage: 'analysis',
      shards: 16,
      blobs: 1204,
      moves: 7,
      bytes: 9_000_000,
      placements: 2,
      endedAt: RUN.startedAt,
    },
    {
      ...NOTHING,
      stage: 'warming',
      shards: 9,
      blobs: 5,
      moves: 3,
      bytes: 6_000_000,
      placements: 1,
      endedAt: RUN.startedAt,
    },
    { ...NOTHING, stage: 'lifecycle', shards: 0 },
  ],
};
const ENDED = {
  ...RUN,
  runId: '1795089600000',
  stages: HALF_WARM.stages.map((one) => ({
    ...one,
    shards: 16,
    ...(one.stage === 'lifecycle' ? { left: 4, leftUsd: 1.5, tooDear: 1 } : {}),
  })),
};
const PLAN = { ...RUN, runId: 'plan-1', by: 'plan' };

let server: Server;
let plane: readonly string[];

/** A plane that knows three runs. */
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { runId } = JSON.parse(body) as { runId?: string };
      const items = [HALF_WARM, ENDED, PLAN].filter((run) => runId === undefined || run.runId === runId);
      const output = request.url?.endsWith('listRuns') === true ? { items } : { items: [] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, output }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  plane = ['--endpoint', `http://127.0.0.1:${port}`];
});

afterAll(() => server.close());

describe('strata sweeps', () => {
  const { records, strata } = useCommands(registerSweeps);

  it('lists each run with the stage that it has come to', async () => {
    const text = await strata('sweeps', ...plane);
    expect(text).toMatch(/^1795176000000 +sweep .* warming 9\/16$/m);
    expect(text).toMatch(/^1795089600000 +sweep .* ended$/m);
    expect(text).toMatch(/^plan-1 +plan .*\$10\.00$/m);
  });

  it('tells of one sweep what each stage has done', async () => {
    const text = await strata('sweeps', RUN.runId, ...plane);
    expect(text).toContain(
      '  analysis  16 of 16 shards, 1204 objects, 7 found to move (8.58 MiB), 2 read daily, until 20',
    );
    expect(text).toContain(
      '  warming   9 of 16 shards, 5 objects, 3 set going (5.72 MiB), 1 asked for on hosts, until 20',
    );
    expect(text).toContain('  lifecycle 0 of 16 shards, 0 objects, 0 set going (0 B)\n');
    expect(await strata('sweeps', 'plan-1', ...plane)).not.toContain('analysis');
  });

  it('tells what a sweep has left to the next one, and what that would cost', async () => {
    const text = await strata('sweeps', ENDED.runId, ...plane);
    expect(text).toContain(
      '  lifecycle 16 of 16 shards, 0 objects, 0 set going (0 B), 4 left to the next sweep ($1.50, 1 of them cost more than all of sweepBudgetUsd)\n',
    );
    expect(text.match(/left to/g)).toHaveLength(1);
  });

  it('gives programs the stages as they are', async () => {
    const [run] = await records('sweeps', ...plane);
    expect(run).toMatchObject({ schema: 'strata.run/v1', stages: HALF_WARM.stages });
  });
});
