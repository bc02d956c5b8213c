import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  COST_DIMENSIONS,
  type CostDimension,
  type CostLine,
  CostReport,
  Opportunities,
  type Opportunity,
  type OpportunitySummary,
} from '../../lib/costs/index.ts';
import type { OperationOutput, Operations } from '../../lib/operations/index.ts';
import { decideTier } from '../../lib/placement/index.ts';
import { TierPolicyName } from '../../lib/shared/sweepMode.ts';
import { formatBytes, formatUsd } from '../../lib/shared/units.ts';
import { policyOf } from '../../lib/tiering/index.ts';
import { positiveInteger } from '../arguments.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { type Judged, judgedText, termsOf } from '../judging.ts';
import type { Column } from '../fitTable.ts';
import { note, print, table, tell, tellRecord } from '../output.ts';

const PAGE = 100;

/** Adds `strata costs` and `strata opportunities`, both over everything that the plane stores, page by page. */
export function registerCosts(program: Command): void {
  withPlane(program.command('costs'))
    .description(
      'what is stored now costs in a month: storage, requests, retrieval, and what leaving early would charge',
    )
    .addOption(new Option('--by <what>', 'one line for each').choices(COST_DIMENSIONS).default('class'))
    .action(runCosts);
  withPlane(program.command('opportunities'))
    .description('what would make the bill smaller: dollars a month, risk, latency, and the command that does it')
    .addOption(
      new Option('--policy <name>', 'that decides moves instead of the one in force').choices(TierPolicyName.options),
    )
    .option('--versions <n>', 'at most so many versions that nobody seems to need', positiveNumber, 20)
    .action(runOpportunities);
}

async function runCosts(options: PlaneOptions & { readonly by: CostDimension }): Promise<void> {
  const { operations } = await connect(options);
  const report = new CostReport(options.by);
  for await (const object of storedObjects(operations)) report.add(object);
  const lines = report.lines().map((line) => ({ by: options.by, ...line }));
  if (options.json === true || options.quiet === true) {
    print(options, { schema: 'strata.cost/v1', items: lines, id: ({ group }) => group, columns: [] });
    if (options.json === true) writeJson('strata.cost-total/v1', report.total());
    return;
  }
  if (lines.length === 0) return note('Nothing is stored: strata push name@1.0.0 FILE');
  const columns: readonly Column[] = [
    options.by.toUpperCase(),
    ['COPIES', 'spare'],
    'SIZE',
    ['STORAGE', 'spare'],
    ['REQUESTS', 'spare'],
    ['RETRIEVAL', 'spare'],
    'A MONTH',
    ['AN HOUR', 'spare'],
    ['A GB-MONTH', 'spare'],
    ['LEAVING NOW', 'spare'],
    ['FIRST FREE', 'spare'],
  ];
  process.stdout.write(table(columns, [...lines, report.total()].map(cellsOf)));
}

function cellsOf(line: CostLine): readonly string[] {
  const { boundCopies, firstFreeAt, liabilityUsd } = line;
  return [
    line.group,
    String(line.copies),
    formatBytes(line.bytes),
    formatUsd(line.storageUsd),
    formatUsd(line.requestUsd),
    formatUsd(line.retrievalUsd),
    formatUsd(line.usdPerMonth),
    formatUsd(line.usdPerHour),
    formatUsd(line.usdPerGbMonth),
    boundCopies === 0 ? '' : formatUsd(liabilityUsd),
    firstFreeAt === undefined ? '' : new Date(firstFreeAt).toISOString().slice(0, 10),
  ];
}

interface OpportunityOptions extends PlaneOptions {
  readonly policy?: TierPolicyName;
  readonly versions: number;
}

async function runOpportunities(options: OpportunityOptions): Promise<void> {
  const { operations } = await connect(options);
  const { judged, rates } = await termsOf(options);
  const policy = policyOf(judged.settings, judged.policy);
  const found = new Opportunities(judged.policy, options.versions);
  for await (const object of storedObjects(operations)) found.addObject(object);
  for await (const { at, facts } of tierFacts(operations, judged)) {
    found.addDecision(decideTier(facts, policy, rates, at), facts, rates, at);
  }
  for await (const version of retired(operations)) found.addVersion(version);
  printOpportunities(options, found.summary(), judged);
}

function printOpportunities(options: OpportunityOptions, summary: OpportunitySummary, judged: Judged): void {
  const { deduplicated, onceUsd, opportunities, savedUsdPerMonth, saveNothing } = summary;
  print(options, {
    schema: 'strata.opportunity/v1',
    items: opportunities,
    id: ({ command, what }) => command ?? what,
    columns: [
      ['KIND', ({ kind }) => kind],
      ['WHAT', ({ what }) => what, 'text'],
      ['OBJECTS', ({ objects }) => String(objects), 'spare'],
      ['SIZE', ({ bytes }) => formatBytes(bytes)],
      ['SAVES A MONTH', (one) => formatUsd(one.savedUsdPerMonth)],
      ['COSTS ONCE', (one) => formatUsd(one.onceUsd), 'spare'],
      ['RISK', ({ risk }) => risk],
    ],
    empty: 'Nothing that is stored could cost less.',
  });
  if (options.json === true) {
    writeJson('strata.opportunity-total/v1', {
      policy: policyOf(judged.settings, judged.policy).version,
      basis: judged.basis,
      savedUsdPerMonth,
      onceUsd,
      saveNothing,
      deduplicatedBytes: deduplicated.bytes,
      deduplicatedUsdPerMonth: deduplicated.usdPerMonth,
    });
    return;
  }
  if (options.quiet === true) return;
  tell(opportunities.map(wordsOf).join(''));
  if (saveNothing > 0) {
    tell(`\n${saveNothing} more would save nothing a month: strata plan shows what the policy moves, and why.\n`);
  }
  tell(
    `\nTogether ${formatUsd(savedUsdPerMonth)} less a month for ${formatUsd(onceUsd)} once; versions and compression are about the same bytes and not counted.\n` +
      `What versions share is stored once: ${formatBytes(deduplicated.bytes)} and ${formatUsd(deduplicated.usdPerMonth)} a month less than without.\n${judgedText(judged)}`,
  );
}

function wordsOf({ command, kind, latency, riskText, what }: Opportunity): string {
  return `\n${kind}, ${what}\n  risk: ${riskText}\n  latency: ${latency}\n${command === undefined ? '' : `  ${command}\n`}`;
}

function storedObjects(operations: Operations): AsyncGenerator<OperationOutput<'listStored'>['items'][number]> {
  return everyItem((page) => operations.listStored(page));
}

function tierFacts(operations: Operations, { policy, settings }: Judged) {
  return everyItem((page) => operations.planTiers({ ...page, policy, settings }));
}

function retired(operations: Operations) {
  return everyItem((page) => operations.listRetired(page));
}

/** Page by page: no more than one is held. */
async function* everyItem<Item>(
  read: (page: { limit: number; nextToken?: string }) => Promise<{ items: Item[]; nextToken?: string | undefined }>,
): AsyncGenerator<Item> {
  let nextToken: string | undefined;
  do {
    const page = await read({ limit: PAGE, ...(nextToken === undefined ? {} : { nextToken }) });
    yield* page.items;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
}

function writeJson(schema: string, record: object): void {
  tellRecord({ schema, ...record });
}

function positiveNumber(text: string): number {
  if (Number(text) > 10_000) throw new InvalidArgumentError('must be at most 10000.');
  return positiveInteger(text);
}
