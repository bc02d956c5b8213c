import { type Command, Option } from 'commander';
import { parseReference } from '../../lib/catalog/index.ts';
import type { OperationInput, OperationOutput, Operations } from '../../lib/operations/index.ts';
import { StrataError } from '../../lib/shared/errors.ts';
import { formatBytes, formatUsd, HOUR_MS, Usd } from '../../lib/shared/units.ts';
import { duration, notNegative } from '../arguments.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { CliError } from '../errors.ts';
import { ago, note, print } from '../output.ts';
import { DRY_RUN, isDry, type MutationOptions, operatorOf, sayDry, withOperator } from './mutation.ts';

const PAGE = 1000;
/** Files that are looked at without `--all`. */
const FILES = 200;

type Level = OperationOutput<'listServiceLevels'>['items'][number];
type Broken = OperationOutput<'listBrokenPromises'>['items'][number];
type Change = Pick<OperationInput<'setServiceLevel'>, 'terms' | 'clear'>;

/** What `--clear` takes, and what it means. */
const CLEARABLE = {
  'reads-per-day': 'readsPerDay',
  'restore-tolerance': 'restoreToleranceMs',
  'waiting-usd-per-hour': 'waitingUsdPerHour',
} as const;
type Clearable = keyof typeof CLEARABLE;

/** Adds `strata service-level`: what is known or promised of the reads of a model, which storage classes are decided on. */
export function registerServiceLevel(program: Command): void {
  const level = program.command('service-level').description('what is known or promised of the reads of a model');
  withOperator(withPlane(level.command('set').description('change it; what is not named stays')))
    .argument('<name>')
    .option('--reads-per-day <n>', 'how often hosts open it, all versions that share bytes counted', notNegative)
    .option(
      '--restore-tolerance <time>',
      'how long readers accept to wait for a restore, as in 10m, 5h or 2d',
      duration,
    )
    .option('--waiting-usd-per-hour <n>', 'what idles while a restore is awaited', notNegative)
    .addOption(
      new Option('--clear <what...>', 'what is not known or promised any more').choices(Object.keys(CLEARABLE)),
    )
    .option('--all', `look at all of its files for what breaks the promise, not only at ${FILES}`)
    .option(...DRY_RUN)
    .action(runSet);
  withPlane(level.command('show').description('of one model, with who changed it to what'))
    .argument('<name>')
    .action(runShow);
  withPlane(level.command('list').description('of every model that has any')).action(runList);
}

interface SetOptions extends MutationOptions {
  readonly readsPerDay?: number;
  readonly restoreTolerance?: number;
  readonly waitingUsdPerHour?: number;
  readonly clear?: readonly Clearable[];
  readonly by?: string;
  readonly all?: boolean;
}

async function runSet(name: string, options: SetOptions): Promise<void> {
  const { model } = parseReference(name);
  const change = changeOf(options);
  const { operations } = await connect(options);
  const wish = { model, ...change, by: operatorOf(options), dryRun: isDry(options) };
  printLevels(options, [await operations.setServiceLevel(wish)], '');
  const { restoreToleranceMs } = change.terms;
  if (restoreToleranceMs !== undefined && options.quiet !== true) {
    await tellBroken(options, operations, { model, restoreToleranceMs });
  }
  sayDry(options);
}

/** What the promise is broken by; where that cannot be told the level is set all the same. */
async function tellBroken(
  options: SetOptions,
  operations: Operations,
  promise: Pick<OperationInput<'listBrokenPromises'>, 'model' | 'restoreToleranceMs'>,
): Promise<void> {
  try {
    const items: Broken[] = [];
    let page = await operations.listBrokenPromises({ ...promise, limit: FILES });
    items.push(...page.items);
    while (options.all === true && page.nextToken !== undefined) {
      page = await operations.listBrokenPromises({ ...promise, limit: FILES, nextToken: page.nextToken });
      items.push(...page.items);
    }
    printBroken(options, items);
    if (page.left > 0) note(`and ${page.left} more of its files were not looked at; --all looks at them`);
  } catch (error) {
    if (!(error instanceof StrataError)) throw error;
    note(`Whether its files keep that promise cannot be told now: ${error.message}`);
  }
}

/** What lies too far away for the promise: sweeps bring it back, if they may. */
function printBroken(options: SetOptions, items: readonly Broken[]): void {
  if (items.length === 0) return;
  print(options, {
    schema: 'strata.broken-promise/v1',
    items,
    id: ({ digest }) => digest,
    columns: [
      ['VERSION', ({ model, version }) => `${model}@${version}`],
      ['FILE', ({ file }) => file],
      ['SIZE', ({ bytes }) => formatBytes(bytes)],
      ['LIES IN', ({ storageClass }) => storageClass],
      ['COMES TO', ({ reason, to }) => to ?? `stays: ${reason}`],
      ['COSTS ONCE', ({ usd }) => formatUsd(usd)],
      ['READABLE AFTER', ({ restoreMs }) => hoursOf(restoreMs)],
    ],
    empty: '',
  });
  if (options.json === true) return;
  const back = items.filter(({ action }) => action !== 'keep');
  const usd = formatUsd(Usd.parse(back.reduce((sum, one) => sum + one.usd, 0)));
  note(
    `${items.length} of its files break that promise. ${returnOf(back.length, items[0]?.sweep)}; ${usd} once. \`strata restore NAME@VERSION\` is sooner.`,
  );
}

function returnOf(files: number, sweep: Broken['sweep']): string {
  if (files === 0) return 'Nothing brings them back by itself';
  if (sweep === undefined) return `Sweeps bring back ${files} of them where tierSweep is on`;
  return sweep === 'on'
    ? `The next sweep begins to bring back ${files} of them, within its budget`
    : 'No sweep brings them back: tierSweep is not on';
}

function changeOf({ readsPerDay, restoreTolerance, waitingUsdPerHour, clear = [] }: SetOptions): Change {
  const terms = {
    ...(readsPerDay === undefined ? {} : { readsPerDay }),
    ...(restoreTolerance === undefined ? {} : { restoreToleranceMs: restoreTolerance }),
    ...(waitingUsdPerHour === undefined ? {} : { waitingUsdPerHour }),
  };
  const cleared = clear.map((what) => CLEARABLE[what]);
  if (Object.keys(terms).length + cleared.length > 0) return { terms, clear: cleared };
  const message = 'Say what to change: --reads-per-day, --restore-tolerance, --waiting-usd-per-hour or --clear.';
  throw new CliError({ code: 'bad-reference', message, retryable: false });
}

async function runShow(name: string, options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  const { items } = await operations.showServiceLevel({ model: parseReference(name).model });
  if (options.json === true || options.quiet === true) {
    printLevels(options, items, '');
    return;
  }
  const changes = items.flatMap((level) => level.changes ?? []);
  print(options, {
    schema: 'strata.service-level-change/v1',
    items: changes,
    id: ({ by }) => by,
    columns: [
      ['WHEN', ({ at }) => new Date(at).toISOString()],
      ['BY', ({ by }) => by],
      ['READS A DAY', ({ terms }) => textOf(terms.readsPerDay)],
      ['RESTORE WITHIN', ({ terms }) => hoursOf(terms.restoreToleranceMs)],
      ['WAITING', ({ terms }) => dollarsOf(terms.waitingUsdPerHour)],
    ],
    empty: `Nothing is known or promised of ${name}: strata service-level set ${name} --reads-per-day N`,
  });
}

async function runList(options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  const items: Level[] = [];
  let nextToken: string | undefined;
  do {
    const page = await operations.listServiceLevels({ limit: PAGE, ...(nextToken === undefined ? {} : { nextToken }) });
    items.push(...page.items);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  printLevels(options, items, 'No model has a service level: strata service-level set NAME --reads-per-day N');
}

function printLevels(options: PlaneOptions, items: readonly Level[], empty: string): void {
  print(options, {
    schema: 'strata.service-level/v1',
    items,
    id: ({ model }) => model,
    columns: [
      ['MODEL', ({ model }) => model],
      ['READS A DAY', ({ readsPerDay }) => textOf(readsPerDay)],
      ['RESTORE WITHIN', ({ restoreToleranceMs }) => hoursOf(restoreToleranceMs)],
      ['WAITING', ({ waitingUsdPerHour }) => dollarsOf(waitingUsdPerHour)],
      ['CHANGED', ({ updatedAt }) => ago(updatedAt)],
      ['BY', ({ changes }) => changes?.[0]?.by ?? ''],
    ],
    empty,
  });
}

const textOf = (value: number | undefined) => (value === undefined ? '' : String(value));
const hoursOf = (ms: number | undefined) => (ms === undefined ? '' : `${+(ms / HOUR_MS).toFixed(2)} h`);
const dollarsOf = (usd: number | undefined) => (usd === undefined ? '' : `$${usd} an hour`);
