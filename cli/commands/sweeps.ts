import type { Command } from 'commander';
import { type MoveOutcome, RunReport } from '../../lib/costs/index.ts';
import type { OperationOutput, Operations } from '../../lib/operations/index.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';
import { formatBytes, formatUsd, HOUR_MS, Usd } from '../../lib/shared/units.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { CliError } from '../errors.ts';
import { note, print, tell, tellRecord } from '../output.ts';

type Run = OperationOutput<'listRuns'>['items'][number];

const RUNS = 50;
const PAGE = 100;
/** Failed moves that people are shown. */
const SHOWN = 20;

/** Adds `strata sweeps`. */
export function registerSweeps(program: Command): void {
  withPlane(program.command('sweeps'))
    .description(
      'sweeps and plans that moved objects; of one: moves done and failed, dollars realised against predicted',
    )
    .argument('[run]', 'the id of a run, as the list and `plan --apply` tell it')
    .action((runId: string | undefined, options: PlaneOptions) =>
      runId === undefined ? runList(options) : runReport(runId, options),
    );
}

async function runList(options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  print(options, {
    schema: 'strata.run/v1',
    items: (await operations.listRuns({ limit: RUNS })).items,
    id: ({ runId }) => runId,
    columns: [
      ['RUN', ({ runId }) => runId],
      ['BY', ({ by }) => by, 'spare'],
      ['BEGAN', ({ startedAt }) => new Date(startedAt).toISOString()],
      ['MOVES', ({ moves }) => String(moves)],
      ['SIZE', ({ bytes }) => formatBytes(bytes)],
      ['RESERVED', ({ reservedUsd }) => formatUsd(reservedUsd), 'spare'],
      ['OF', ({ budgetUsd }) => formatUsd(budgetUsd), 'spare'],
      ['STAGE', stageNow],
    ],
    empty: 'No sweep has run and no plan was applied yet: `strata plan` shows what would move.',
  });
}

async function runReport(runId: string, options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  const [run] = (await operations.listRuns({ limit: 1, runId })).items;
  if (run === undefined) {
    const message = `There is no run ${runId}. \`strata sweeps\` lists them.`;
    throw new CliError({ code: 'unknown-run', message, retryable: false });
  }
  const report = new RunReport();
  const failed: MoveOutcome[] = [];
  for await (const move of movesOf(operations, runId)) {
    report.add(move);
    if (options.json === true) tellRecord({ schema: 'strata.run-move/v1', ...move });
    else if (options.quiet === true) tell(`${move.digest}\n`);
    if (move.state !== 'done' && failed.length < SHOWN) failed.push(move);
  }
  if (options.quiet === true) return;
  const summary = report.summary();
  const open = run.moves - summary.done - summary.failed;
  if (options.json === true) {
    tellRecord({ schema: 'strata.run-report/v1', ...run, open, ...summary });
    return;
  }
  tell(wordsOf(run, open, summary));
  for (const { code, digest, text } of failed) note(`  ${digest.slice(0, 12)} ${code}: ${text}`);
}

/** The stage that a sweep has come to: the first one that has not ended everywhere. */
function stageNow({ stages }: Run): string {
  if (stages === undefined) return '';
  const open = stages.find(({ of, shards }) => shards < of);
  return open === undefined ? 'ended' : `${open.stage} ${open.shards}/${open.of}`;
}

/** A line of each stage. */
function stageLines({ stages = [] }: Run): readonly string[] {
  return stages.map(({ blobs, bytes, endedAt, left, leftUsd, moves, of, placements, shards, stage, tooDear = 0 }) => {
    const done = `  ${stage.padEnd(9)} ${shards} of ${formatCount(of, 'shard')}, ${formatCount(blobs, 'object')}`;
    const found = stage === 'analysis' ? 'found to move' : 'set going';
    const placed =
      stage === 'lifecycle' ? [] : [`${placements} ${stage === 'analysis' ? 'read daily' : 'asked for on hosts'}`];
    const dear = tooDear === 0 ? '' : `, ${tooDear} of them cost more than all of sweepBudgetUsd`;
    const rest = left === 0 ? [] : [`${left} left to the next sweep (${formatUsd(Usd.parse(leftUsd))}${dear})`];
    const ended = endedAt === undefined ? [] : [`until ${new Date(endedAt).toISOString()}`];
    return [done, `${moves} ${found} (${formatBytes(bytes)})`, ...placed, ...rest, ...ended].join(', ');
  });
}

function wordsOf(run: Run, open: number, summary: ReturnType<RunReport['summary']>): string {
  const usd = (value: number): string => formatUsd(Usd.parse(value));
  const wait =
    summary.readsThatWaited === 0
      ? 'none waited for a restore'
      : `${summary.readsThatWaited} waited for a restore, at most ${+(summary.longestWaitMs / HOUR_MS).toFixed(2)} h`;
  return [
    `${run.by} ${run.runId} of ${new Date(run.startedAt).toISOString()}: ${summary.done} of ${formatCount(run.moves, 'move')} done, ${summary.failed} failed, ${open} under way`,
    ...stageLines(run),
    `  moved ${formatBytes(summary.movedBytes)}; expected ${usd(summary.predictedUsdPerMonth)} less a month for ${usd(summary.predictedOnceUsd)} once`,
    `  so far ${usd(summary.realisedUsd)} realised against ${usd(summary.predictedUsd)} predicted, the moves' ${usd(summary.onceUsd)} taken off, of ${summary.measured} that are still there`,
    `  reads: ${formatCount(summary.reads, 'read')} of the bucket since, ${wait}`,
    '',
  ].join('\n');
}

async function* movesOf(operations: Operations, runId: string): AsyncGenerator<MoveOutcome> {
  let nextToken: string | undefined;
  do {
    const place = nextToken === undefined ? {} : { nextToken };
    const page = await operations.listRunMoves({ runId, limit: PAGE, ...place });
    yield* page.items;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
}
