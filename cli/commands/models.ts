import { type Command, Option } from 'commander';
import type { OperationOutput } from '../../lib/operations/index.ts';
import { TierPolicyName } from '../../lib/shared/sweepMode.ts';
import { formatBytes, formatUsd } from '../../lib/shared/units.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { printAnalyses } from '../analysis.ts';
import { hostFailureOf, hostFailuresText } from '../hostFailures.ts';
import { judgedText } from '../judging.ts';
import { printStorage, storageOf } from '../storage.ts';
import { ago, print, tell, tellRecord } from '../output.ts';

const STATES = ['observed', 'digesting', 'ready', 'quarantined', 'cancelled'] as const;
type UploadState = (typeof STATES)[number];
type Upload = OperationOutput<'listUploads'>['items'][number];

/** Adds `strata ls`, `strata show` and `strata explain`. */
export function registerModels(program: Command): void {
  withPlane(program.command('ls').description('models, or uploads in one state'))
    .addOption(new Option('--uploads <state>', 'uploads instead of models').choices(STATES))
    .action(runList);
  withPlane(program.command('show').description('a version: its files, verdicts and copies'))
    .argument('<model>', 'name, name@1.2.0, name@stable or name@^1.2')
    .option('--versions', 'the versions of the model instead')
    .option('--aliases', 'the aliases of the model instead')
    .action(runShow);
  withPlane(program.command('explain').description('why a model, or one upload key, is as it is'))
    .argument('<model|key>', 'as for show, or uploads/<name>/<version>/<file>')
    .addOption(
      new Option('--policy <name>', 'that explains the storage class instead of the one in force').choices(
        TierPolicyName.options,
      ),
    )
    .action(runExplain);
}

async function runList(options: PlaneOptions & { readonly uploads?: UploadState }): Promise<void> {
  const { operations } = await connect(options);
  const state = options.uploads;
  if (state !== undefined) {
    const uploads = await everything((page) => operations.listUploads({ ...page, state }));
    printUploads(options, uploads, `No upload is ${state}.`);
    return;
  }
  print(options, {
    schema: 'strata.model/v1',
    items: await everything((page) => operations.listModels(page)),
    id: ({ name }) => name,
    columns: [
      ['MODEL', ({ name }) => name],
      ['NEWEST', ({ newest }) => newest],
      ['VERSIONS', ({ versions }) => String(versions)],
      ['UPDATED', ({ updatedAt }) => ago(updatedAt)],
    ],
    empty: 'No model is published. Upload one: strata push name@1.0.0 FILE',
  });
}

async function everything<Item>(
  read: (page: { limit: number; nextToken?: string }) => Promise<{ items: Item[]; nextToken?: string | undefined }>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let nextToken: string | undefined;
  do {
    const page = await read({ limit: 1000, ...(nextToken === undefined ? {} : { nextToken }) });
    items.push(...page.items);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return items;
}

async function runShow(
  reference: string,
  options: PlaneOptions & { readonly versions?: boolean; readonly aliases?: boolean },
): Promise<void> {
  const { operations } = await connect(options);
  const { versions, aliases, files } = await operations.showModel({ reference });
  if (options.versions === true) {
    print(options, {
      schema: 'strata.version/v1',
      items: versions,
      id: ({ version }) => version,
      columns: [
        ['VERSION', ({ version }) => version],
        ['FILES', (version) => String(version.files)],
        ['SIZE', ({ bytes }) => formatBytes(bytes)],
        ['PUBLISHED', ({ publishedAt }) => ago(publishedAt)],
        ['', ({ deprecated }) => (deprecated ? 'deprecated' : '')],
      ],
    });
  } else if (options.aliases === true) {
    print(options, {
      schema: 'strata.alias/v1',
      items: aliases,
      id: ({ alias }) => alias,
      columns: [
        ['ALIAS', ({ alias }) => alias],
        ['VERSION', ({ version }) => version],
        ['BEFORE', ({ previous }) => previous ?? ''],
      ],
      empty: 'No alias but `latest`. Make one: strata alias promote name@1.0.0 stable',
    });
  } else {
    const storage = options.quiet === true ? [] : await storageOf(operations, reference);
    const storedAs = new Map(storage.map((one) => [one.file, one]));
    print(options, {
      schema: 'strata.file/v1',
      items: files.map((one) => ({ ...storedAs.get(one.file), ...one })),
      id: ({ digest }) => digest,
      columns: [
        ['FILE', ({ file }) => file],
        ['VERSION', ({ version }) => version, 'spare'],
        ['KIND', ({ kind }) => kind],
        ['SIZE', ({ size }) => formatBytes(size)],
        ['DIGEST', ({ digest }) => digest.slice(0, 16), 'spare'],
        ['VERDICT', ({ blob }) => blob?.verdict ?? 'lost'],
        ['COPIES', ({ replicas }) => replicas.map(({ location, state }) => `${location} ${state}`).join(', '), 'text'],
      ],
    });
    printAnalyses(
      options,
      files.map(({ file, blob }) => ({ file, ...blob })),
    );
    printStorage(options, storage);
  }
}

function printUploads(options: PlaneOptions, items: readonly Upload[], empty: string): void {
  print(options, {
    schema: 'strata.upload/v1',
    items,
    id: ({ key }) => key,
    columns: [
      ['KEY', ({ key }) => key],
      ['STATE', ({ state }) => state],
      ['SIZE', ({ size }) => formatBytes(size), 'spare'],
      ['FORMAT', ({ findings }) => findings?.format ?? '', 'spare'],
      ['OBSERVED', ({ observedAt }) => ago(observedAt), 'spare'],
      ['WHY', ({ quarantine }) => (quarantine === undefined ? '' : `${quarantine.reason}: ${quarantine.text}`)],
    ],
    empty,
  });
}

async function runExplain(
  reference: string,
  options: PlaneOptions & { readonly policy?: TierPolicyName },
): Promise<void> {
  const { operations } = await connect(options);
  const { uploads, actions, older, texts, restored, deleted } = await operations.explain({ reference });
  printUploads(options, uploads, `No upload of ${reference} is known any more.`);
  printActions(options, actions);
  if (options.quiet === true) return;
  if (older && options.json !== true) tell('Of each file the newest 20 decisions; there are older ones.\n');
  for (const text of texts) printText(options, { schema: 'strata.delete-text/v1', text });
  for (const text of restored) printText(options, { schema: 'strata.restored-text/v1', text });
  if (reference.startsWith('uploads/') || deleted) return;
  const asked = options.policy === undefined ? {} : { policy: options.policy };
  const tiers = await operations.explainTiers({ reference, ...asked });
  const { basis, policy } = tiers.judging;
  for (const text of tiers.texts) printText(options, { schema: 'strata.tier-text/v1', policy, basis, text });
  if (options.json !== true && tiers.texts.length > 0) tell(`\n${judgedText(tiers.judging)}`);
}

interface Text {
  readonly schema: string;
  readonly text: string;
  readonly policy?: TierPolicyName;
  readonly basis?: string;
}

function printText({ json }: PlaneOptions, line: Text): void {
  if (json === true) tellRecord(line);
  else tell(`\n${line.text}`);
}

function printActions(options: PlaneOptions, actions: OperationOutput<'explain'>['actions']): void {
  if (actions.length === 0) return;
  print(options, {
    schema: 'strata.action/v1',
    items: actions.map((action) => ({ ...action, hint: hostFailureOf(action)?.hint })),
    id: ({ actionId }) => actionId,
    columns: [
      ['DECIDED', ({ decidedAt }) => ago(decidedAt), 'spare'],
      ['ACTION', ({ type }) => type],
      ['HOST', ({ host }) => host?.id ?? ''],
      ['STATE', ({ state }) => state],
      ['REASON', ({ reason }) => reason],
      [
        'ALTERNATIVES',
        ({ alternatives }) => alternatives.map(({ action, usd }) => `${action} ${formatUsd(usd)}`).join(', '),
        'text',
      ],
    ],
  });
  if (options.json !== true && options.quiet !== true) tell(hostFailuresText(actions));
}
