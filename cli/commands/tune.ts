import { type Command, InvalidArgumentError, Option } from 'commander';
import { openTuningJournal } from '../../lib/adapters/tuning/fileTuningJournal.ts';
import { createHostSettings } from '../../lib/adapters/tuning/hostSettings.ts';
import { readHost } from '../../lib/adapters/tuning/readHost.ts';
import { openStoreProbe, removeLeftovers, type StoreProbe } from '../../lib/adapters/tuning/storeProbe.ts';
import { proxySettings } from '../../lib/adapters/transfer/http/proxy.ts';
import { formatBytes, MIB } from '../../lib/shared/units.ts';
import {
  FEWEST_ROUNDS,
  type Finding,
  judgeHostSettings,
  planPersistence,
  revertTuning,
  type Tried,
  TuningError,
  type TuningJournal,
  tuneHost,
} from '../../lib/tuning/index.ts';
import { positiveInteger, size } from '../arguments.ts';
import { FindingsError } from '../errors.ts';
import { note, type OutputOptions, print } from '../output.ts';

interface TuneCommandOptions extends OutputOptions {
  readonly store: string;
  readonly apply?: true;
  readonly revert?: true;
  readonly keep?: true;
  readonly persist?: true;
  readonly details?: true;
  readonly only?: readonly string[];
  readonly rounds: number;
  readonly size: number;
  readonly url?: string;
  readonly root: string;
  readonly journal: string;
}

/** Adds `tune`: what of this host's kernel settings holds fetches and loads back; changes them only with `--apply`. */
export function registerTune(program: Command): void {
  program
    .command('tune')
    .description(
      'show which settings of this host slow its store down; change them only with --apply, and measure that',
    )
    .requiredOption('--store <dir>', 'the folder of the store')
    .addOption(new Option('--dry-run', 'change nothing: the default').conflicts(['apply', 'revert']))
    .option(
      '--apply',
      'try each setting that differs, as root: measured before and after, kept only where it is faster',
    )
    .addOption(new Option('--revert', 'undo everything that --apply has left').conflicts('apply'))
    .option('--only <settings>', 'these only, separated by commas', (text) => text.split(','))
    .option('--rounds <n>', 'pairs of runs for each setting', rounds, 5)
    .option('--size <bytes>', 'what each run fetches and reads', size, 256 * MIB)
    .option('--url <url>', 'fetch this object instead of one over loopback', webUrl)
    .option('--keep', 'with --apply: keep what was applied, whatever it brought')
    .option('--persist', 'with --apply: set what is kept again at each boot')
    .option('--details', 'with reason, risk and source of each')
    .option('--journal <dir>', 'where it is written down what was changed', '/var/lib/strata-tune')
    .addOption(new Option('--root <dir>', 'another root than /, for tests').default('/').hideHelp())
    .option('--json', 'one JSON object for each setting')
    .option('-q, --quiet', 'print names only')
    .action(runTune);
}

async function runTune(options: TuneCommandOptions): Promise<void> {
  if (options.revert === true) return runRevert(options);
  const all = judgeHostSettings(await readHost(options.root, options.store).catch(noStore));
  const findings = chosen(all, options.only);
  if (options.apply === true) return runApply(options, findings);
  print(options, {
    schema: 'strata.tune.finding/v1',
    items: findings,
    id: ({ setting, status }) => `${setting} ${status}`,
    columns: [
      ['SETTING', ({ setting }) => setting],
      ['STATUS', ({ status, farOff }) => (farOff ? `${status}, far off` : status)],
      ['NOW', ({ now }) => now],
      ['SUGGESTED', ({ suggested }) => suggested],
      ...detailColumns(options.details === true),
    ],
  });
  const denied = findings.filter(({ status }) => status === 'denied');
  if (denied.length > 0) {
    note(`\nThis user or container may not write ${denied.length} of them. As root of the host:`);
    for (const { command } of denied) note(`  ${command ?? ''}`);
  }
  if (findings.some(({ status }) => status === 'differs')) note('\nNothing was changed. --apply tries what differs.');
}

function detailColumns(details: boolean): readonly (readonly [string, (finding: Finding) => string])[] {
  if (!details) return [['COMMAND', ({ command }) => command ?? '']];
  return [
    ['WHY', ({ why }) => why],
    ['RISK', ({ risk }) => risk],
    ['SOURCE', ({ source }) => source],
  ];
}

async function runApply(options: TuneCommandOptions, findings: readonly Finding[]): Promise<void> {
  const denied = findings.filter(({ status }) => status === 'denied');
  for (const { setting, command } of denied) {
    note(`${setting} may not be written by this user or container. As root of the host: ${command ?? ''}`);
  }
  const differs = findings.some(({ status }) => status === 'differs');
  // Who may write nothing has no journal either.
  if (differs || denied.length === 0) {
    const journal = await openTuningJournal(options.journal);
    let probe: StoreProbe | undefined;
    try {
      probe = differs ? await openProbe(options) : undefined;
      await tryFindings(options, findings, { journal, probe });
    } finally {
      await probe?.close();
      await journal.close();
    }
  } else printTried(options, []);
  if (denied.length > 0) throw new FindingsError('some settings may not be written');
}

/** What was tried is printed also where an error ends it. */
async function tryFindings(
  options: TuneCommandOptions,
  findings: readonly Finding[],
  { journal, probe }: { readonly journal: TuningJournal; readonly probe: StoreProbe | undefined },
): Promise<void> {
  const tried: Tried[] = [];
  try {
    await tuneHost(
      {
        host: createHostSettings(options.root),
        journal,
        judge: async (setting) =>
          judgeHostSettings(await readHost(options.root, options.store)).find((one) => one.setting === setting),
        measure: async () => ({ ...(await probe?.measure()) }),
        cancelled: cancelledByUser(),
        onTrial: (setting) => note(`trying ${setting} …`),
        onTried: (one) => tried.push(one),
      },
      findings,
      { rounds: options.rounds, keepAll: options.keep === true, persist: options.persist === true },
    );
  } catch (error) {
    if (tried.length > 0) printTried(options, tried);
    throw error;
  }
  printTried(options, tried);
  if (options.persist !== true) showPersistence(findings, tried);
}

function openProbe({ store: folder, size: bytes, url }: TuneCommandOptions) {
  return openStoreProbe({ folder, bytes, ...(url === undefined ? {} : { url }), proxies: proxySettings(process.env) });
}

function printTried(options: TuneCommandOptions, items: readonly Tried[]): void {
  print(options, {
    schema: 'strata.tune.trial/v1',
    items,
    id: ({ setting, outcome }) => `${setting} ${outcome}`,
    columns: [
      ['SETTING', ({ setting }) => setting],
      ['OUTCOME', ({ outcome }) => outcome],
      ['REASON', ({ reason, detail }) => detail ?? reason],
      ...(['fill', 'load'] as const).map(
        (probe) => [probe.toUpperCase(), (item: Tried) => effectOf(item, probe)] as const,
      ),
    ],
    empty: 'Nothing that may be changed differs: nothing was tried.',
  });
}

/** `512.0 → 530.1 MiB/s, +3.5 % (noise 6.0 %)`. */
function effectOf({ effects }: Tried, of: string): string {
  const effect = effects.find(({ probe }) => probe === of);
  if (effect === undefined) return '';
  const { before, after, gain, noise } = effect;
  const sign = gain < 0 ? '' : '+';
  const rates = `${formatBytes(Math.round(before))}/s → ${formatBytes(Math.round(after))}/s`;
  return `${rates}, ${sign}${(100 * gain).toFixed(1)} % (noise ${(100 * noise).toFixed(1)} %)`;
}

function showPersistence(findings: readonly Finding[], tried: readonly Tried[]): void {
  const kept = new Set(tried.filter(({ outcome }) => outcome === 'kept').map(({ setting }) => setting));
  const files = planPersistence(findings.filter(({ setting }) => kept.has(setting)).flatMap(({ changes }) => changes));
  if (files.length > 0) note('\nUntil the next boot. --persist would have written:');
  for (const { file, text } of files) note(`/${file}\n  ${text.trim().replaceAll('\n', '\n  ')}`);
}

async function runRevert(options: TuneCommandOptions): Promise<void> {
  const journal = await openTuningJournal(options.journal);
  try {
    await removeLeftovers(options.store);
    const items = await revertTuning({ host: createHostSettings(options.root), journal });
    print(options, {
      schema: 'strata.tune.reverted/v1',
      items,
      id: ({ setting, outcome }) => `${setting} ${outcome}`,
      columns: [
        ['SETTING', ({ setting }) => setting],
        ['OUTCOME', ({ outcome }) => outcome],
        ['BEFORE IT', ({ detail }) => detail],
      ],
      empty: 'Nothing is left to undo.',
    });
    const stayed = items.filter(({ outcome }) => outcome === 'stayed');
    const atBoot = items.filter(({ outcome }) => outcome === 'at-boot').map(({ setting }) => setting);
    const left = [
      ...stayed.map(({ setting, detail }) => `${setting} could not be set back (${detail}).`),
      ...atBoot.map((file) => `${file} sets at each boot what was set back now: remove it, and run --revert again.`),
    ];
    if (left.length > 0) throw new TuningError({ code: 'not-undone', message: left.join(' '), retryable: true });
  } finally {
    await journal.close();
  }
}

function chosen(findings: readonly Finding[], only: readonly string[] | undefined): readonly Finding[] {
  const unknown = only?.find((name) => findings.every(({ setting }) => setting !== name));
  if (unknown !== undefined) {
    const names = findings.map(({ setting }) => setting).join(', ');
    throw new InvalidArgumentError(`${unknown} is none of ${names}.`);
  }
  return only === undefined ? findings : findings.filter(({ setting }) => only.includes(setting));
}

/** The first Ctrl-C lets the setting in hand be undone; another one ends at once, and `--revert` undoes it then. */
function cancelledByUser(): () => boolean {
  let asked = false;
  const others = process.listeners('SIGINT');
  process.removeAllListeners('SIGINT');
  process.once('SIGINT', (signal) => {
    asked = true;
    note('Undoing what is being tried …');
    for (const other of others) process.on(signal, other);
  });
  return () => asked;
}

function webUrl(text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  throw new InvalidArgumentError('must be an https:// or http:// URL.');
}

function rounds(text: string): number {
  const count = positiveInteger(text);
  if (count >= FEWEST_ROUNDS) return count;
  throw new InvalidArgumentError(`must be ${FEWEST_ROUNDS} or more: fewer runs do not show their noise.`);
}

function noStore(cause: unknown): never {
  throw new TuningError({
    code: 'bad-store',
    message: 'The folder of --store cannot be read.',
    retryable: false,
    cause,
  });
}
