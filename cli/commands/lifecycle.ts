import { type Command, InvalidArgumentError } from 'commander';
import { parseReference } from '../../lib/catalog/index.ts';
import type { OperationOutput } from '../../lib/operations/index.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';
import { type EpochMs, formatBytes, formatUsd } from '../../lib/shared/units.ts';
import { duration, moment, notNegative } from '../arguments.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { print } from '../output.ts';
import { confirm, DRY_RUN, exact, isDry, type MutationOptions, sayDry } from './mutation.ts';

/** Adds `strata rm`, `strata undo`, `strata deleted`, `strata restore`, `strata hold` and `strata retain`. */
export function registerLifecycle(program: Command): void {
  withPlane(program.command('rm').description('delete a version; it can be undone for some days'))
    .argument('<name@version>', 'an exact version')
    .option('--undo-days <days>', 'how long it can be undone; 0 gives its bytes to the next purge', days, 7)
    .option('--yes', 'do not ask')
    .option(...DRY_RUN)
    .action(runDelete);
  withPlane(program.command('undo').description('bring a deleted version back'))
    .argument('<name@version>')
    .option(...DRY_RUN)
    .action(async (target: string, options: MutationOptions) => {
      const { operations } = await connect(options);
      printVersion(options, await operations.undoDelete({ ...exact(target), dryRun: isDry(options) }));
    });
  withPlane(program.command('deleted').description('the deleted versions of a model'))
    .argument('<name>')
    .action(runDeleted);
  withPlane(program.command('restore').description('bring an archived version back; answers when it can be read'))
    .argument('<name@version>', 'as for show')
    .option('--within <time>', 'when it must be readable, as in 10m, 5h or 2d: the cheapest restore in time', duration)
    .option(...DRY_RUN)
    .action(runRestore);
  registerHold(program);
}

function registerHold(program: Command): void {
  const hold = program.command('hold').description('legal holds: what is held is neither deleted nor moved');
  withPlane(hold.command('set').description('hold a version until it is released'))
    .argument('<name@version>')
    .requiredOption('--reason <text>', 'why, for whoever wants to delete it')
    .option(...DRY_RUN)
    .action((target: string, options: MutationOptions & { readonly reason: string }) =>
      runHold(target, options, { kind: 'hold', reason: options.reason }),
    );
  withPlane(hold.command('release').description('end the hold of a version'))
    .argument('<name@version>')
    .option(...DRY_RUN)
    .action((target: string, options: MutationOptions) => runHold(target, options, { kind: 'release' }));
  withPlane(program.command('retain').description('forbid the delete of a version until a date; never shortened'))
    .argument('<name@version>')
    .requiredOption('--until <date>', 'such as 2027-12-31', future)
    .option(...DRY_RUN)
    .action((target: string, options: MutationOptions & { readonly until: EpochMs }) =>
      runHold(target, options, { kind: 'retain', until: options.until }),
    );
}

async function runDelete(
  target: string,
  options: MutationOptions & { readonly undoDays: number; readonly yes?: boolean },
): Promise<void> {
  const { operations } = await connect(options);
  const version = exact(target);
  const wish = { ...version, undoDays: options.undoDays };
  if (!isDry(options) && options.yes !== true) {
    const { freesBytes } = await operations.deleteVersion({ ...wish, dryRun: true });
    await confirm(
      target,
      `Deletes ${target}; ${formatBytes(freesBytes)} go in ${formatCount(options.undoDays, 'day')}, until then: strata undo ${target}`,
    );
  }
  const deleted = await operations.deleteVersion({ ...wish, dryRun: isDry(options) });
  print(options, {
    schema: 'strata.deletion/v1',
    items: [deleted],
    id: (one) => `${one.model}@${one.version}`,
    columns: [...TOMBSTONE_COLUMNS, ['FREES', ({ freesBytes }) => formatBytes(freesBytes)]],
  });
  sayDry(options);
}

type Tombstone = OperationOutput<'listDeleted'>['items'][number];

const TOMBSTONE_COLUMNS: readonly (readonly [string, (one: Tombstone) => string])[] = [
  ['VERSION', (one) => `${one.model}@${one.version}`],
  ['STATE', ({ state }) => state],
  ['SIZE', ({ bytes }) => formatBytes(bytes)],
  ['UNDO UNTIL', ({ state, purgeAfter }) => (state === 'deleted' ? new Date(purgeAfter).toISOString() : '')],
];

async function runDeleted(model: string, options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  print(options, {
    schema: 'strata.tombstone/v1',
    items: (await operations.listDeleted({ model: parseReference(model).model })).items,
    id: (one) => `${one.model}@${one.version}`,
    columns: [
      ...TOMBSTONE_COLUMNS,
      ['FREED', ({ freedBytes }) => (freedBytes === undefined ? '' : formatBytes(freedBytes))],
      [
        'STUCK',
        ({ stuck }) =>
          stuck === undefined ? '' : `${stuck.digest.slice(0, 12)} has another version ${stuck.versionId}`,
      ],
    ],
    empty: `No version of ${model} was deleted.`,
  });
}

async function runRestore(reference: string, options: MutationOptions & { readonly within?: number }): Promise<void> {
  const { operations } = await connect(options);
  const withinMs = options.within;
  const { items } = await operations.restoreVersion({
    reference,
    dryRun: isDry(options),
    ...(withinMs === undefined ? {} : { withinMs }),
  });
  print(options, {
    schema: 'strata.restore/v1',
    items,
    id: ({ digest }) => digest,
    columns: [
      ['DIGEST', ({ digest }) => digest.slice(0, 16)],
      ['STATE', ({ state }) => state],
      ['TIER', ({ tier }) => tier],
      ['READY AT ABOUT', ({ readyAt }) => new Date(readyAt).toISOString()],
      ['FEE', ({ usd }) => formatUsd(usd)],
    ],
    empty: 'Nothing of it is archived: it can be read now.',
  });
  sayDry(options);
}

type HoldChange = Parameters<Awaited<ReturnType<typeof connect>>['operations']['holdVersion']>[0]['change'];

async function runHold(target: string, options: MutationOptions, change: HoldChange): Promise<void> {
  const { operations } = await connect(options);
  printVersion(options, await operations.holdVersion({ ...exact(target), change, dryRun: isDry(options) }));
}

function printVersion(options: MutationOptions, version: OperationOutput<'undoDelete'>): void {
  print(options, {
    schema: 'strata.version/v1',
    items: [version],
    id: (one) => one.version,
    columns: [
      ['VERSION', (one) => `${one.model}@${one.version}`],
      ['SIZE', ({ bytes }) => formatBytes(bytes)],
      ['HOLD', ({ hold }) => hold ?? ''],
      ['RETAINED UNTIL', ({ retainUntil }) => (retainUntil === undefined ? '' : new Date(retainUntil).toISOString())],
    ],
  });
  sayDry(options);
}

function future(text: string): EpochMs {
  const at = moment(text);
  if (at <= Date.now()) throw new InvalidArgumentError('must lie ahead: a date that is over forbids nothing.');
  return at;
}

function days(text: string): number {
  const value = notNegative(text);
  if (value > 365) throw new InvalidArgumentError('must be 0 to 365 days.');
  return value;
}
