import { type Command, InvalidArgumentError, Option } from 'commander';
import { readLines } from '../../lib/adapters/files/lineFile.ts';
import {
  compileRates,
  DOLLARS,
  decideTier,
  explainTier,
  LIFECYCLE,
  PlacementError,
  PolicyDiff,
  TIER_RULES,
  TierFacts,
  TierPlan,
  type TierPolicy,
} from '../../lib/placement/index.ts';
import type { OperationOutput } from '../../lib/operations/index.ts';
import { type PriceBook, shippedPriceBook } from '../../lib/pricing/index.ts';
import { describeIssues } from '../../lib/shared/describeIssues.ts';
import { StorageClass } from '../../lib/shared/ids.ts';
import { TierPolicyName } from '../../lib/shared/sweepMode.ts';
import { EpochMs, formatBytes, formatUsd, Usd } from '../../lib/shared/units.ts';
import { moment, notNegative, positiveInteger } from '../arguments.ts';
import { CliError } from '../errors.ts';
import { planePrices } from '../prices/books.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { applyPlan, type PlannedMove, plannedMove } from './applyPlan.ts';
import { registerPolicy } from './policy.ts';
import { type ManifestOptions, ManifestWriter, withManifest } from './planManifest.ts';

const POLICIES: Readonly<Record<string, TierPolicy>> = { dollars: DOLLARS, rules: TIER_RULES, lifecycle: LIFECYCLE };
/** Past sweeps that a report shows. */
const RUNS = 5;
/** A finding that a script must notice: the change is blocked. */
const EXIT_FINDINGS = 1;

interface InventoryOptions extends PlaneOptions {
  readonly inventory?: string;
  readonly at: EpochMs;
}

/** Adds `strata plan` and `strata policy diff`, both over an inventory of tier facts or over the plane's own. */
export function registerPlan(program: Command): void {
  withManifest(withInventory(program.command('plan')))
    .description('what would move between storage classes now, with totals; moves nothing without --apply')
    .addOption(new Option('--policy <name>', 'that decides').choices(Object.keys(POLICIES)).default('dollars'))
    .option('--explain <digest>', 'instead: say why, for the objects whose digest begins so')
    .addOption(new Option('--from <class>', 'only moves out of this class').choices(StorageClass.options))
    .addOption(new Option('--action <name>', 'only such moves').choices(['transition', 'pack', 'unpack']))
    .addOption(new Option('--to <class>', 'only moves into this class').choices(StorageClass.options))
    .option('--apply', 'set the moves going, unless the plan would catch objects in use; not with --inventory')
    .option('--yes', 'with --apply: do not ask')
    .option('--max-cost <usd>', 'with --apply or --manifest: what the moves may cost at most', notNegative, 100)
    .option('--max-moves <n>', 'with --apply or --manifest: how many moves at most', positiveInteger, 10_000)
    .action(plan);
  const policy = program.command('policy').description('policies of storage classes');
  withInventory(policy.command('diff <present> <next>'))
    .description(
      `what changes between two policies (${Object.keys(POLICIES).join(', ')}); exit code 1 if it would catch objects in use`,
    )
    .action(diff);
  registerPolicy(policy);
}

function withInventory(command: Command): Command {
  return withPlane(command)
    .option('--inventory <file>', 'instead of the plane: one JSON object of tier facts a line, gzip allowed')
    .option('--at <date>', 'decide as of this moment', moment, EpochMs.parse(Date.now()));
}

interface PlanOptions extends InventoryOptions, ManifestOptions {
  readonly explain?: string;
  readonly from?: StorageClass;
  readonly action?: string;
  readonly to?: StorageClass;
  readonly apply?: boolean;
  readonly yes?: boolean;
}

async function plan(options: PlanOptions): Promise<void> {
  const manifests = options.manifest === undefined ? undefined : new ManifestWriter(options.manifest, options);
  try {
    await planMoves(options, manifests);
  } finally {
    await manifests?.abandon();
  }
}

async function planMoves(options: PlanOptions, manifests: ManifestWriter | undefined): Promise<void> {
  const rates = compileRates(await pricesOf(options));
  const totals = new TierPlan();
  const policy = policyNamed(options.policy);
  const moves: PlannedMove[] = [];
  const expiries: Expiry[] = [];
  for await (const { expires, facts, versionId } of factsOf(options, options.policy)) {
    if (options.explain !== undefined && !facts.digest.startsWith(options.explain)) continue;
    if (options.from !== undefined && facts.storageClass !== options.from) continue;
    const decision = decideTier(facts, policy, rates, options.at);
    if (options.to !== undefined && (decision.action === 'keep' || decision.to !== options.to)) continue;
    if (options.action !== undefined && decision.action !== options.action) continue;
    totals.add(decision, facts);
    if (expires !== undefined) expiries.push(expires);
    if (decision.action !== 'keep') {
      const move = plannedMove(facts, decision, rates, options.at);
      if (options.apply === true) moves.push(move);
      await manifests?.add(move, versionId);
    }
    if (options.explain === undefined) continue;
    const json = `${JSON.stringify({ schema: 'strata.tier-decision/v1', ...decision })}\n`;
    process.stdout.write(options.json === true ? json : explainTier(decision, facts, policy, rates, options.at));
  }
  if (options.explain !== undefined) {
    if (totals.summary().objects > 0) return;
    const message = `No object that was looked at has a digest that begins with ${options.explain}.`;
    throw new CliError({ code: 'bad-reference', message, retryable: false });
  }
  if (manifests === undefined || options.json !== true) await report(totals, policy, expiries, options);
  await manifests?.end();
  if (options.apply === true) await applyPlan(moves, options);
}

async function report(
  totals: TierPlan,
  policy: TierPolicy,
  expiries: readonly Expiry[],
  options: PlanOptions,
): Promise<void> {
  const summary = totals.summary();
  if (options.json === true) {
    process.stdout.write(
      `${JSON.stringify({ schema: 'strata.plan/v1', policy: policy.version, ...summary, expiries })}\n`,
    );
    return;
  }
  const usd = (amount: number): string => formatUsd(Usd.parse(amount));
  const flows = summary.flows.map(
    (flow) =>
      `  ${flow.from} → ${flow.to}: ${flow.objects} objects, ${bytesOf(flow)}, ` +
      `${usd(flow.usdPerMonthBefore)} → ${usd(flow.usdPerMonthAfter)} a month, ` +
      `once ${usd(flow.moveUsd)} and ${usd(flow.earlyDeletionUsd)} early deletion\n`,
  );
  const { packs } = summary;
  const packed =
    packs.objects === 0
      ? ''
      : `  packing ${packs.objects} of them saves ${formatBytes(packs.savedBytes)}, ${Math.round(100 * packs.saving)} %, risk ${packs.risk}\n`;
  const kept = Object.entries(summary.kept).map(([reason, count]) => `  stay, ${reason}: ${count}\n`);
  const { objects, liabilityUsd, firstFreeAt } = summary.bound;
  const ledger =
    firstFreeAt === undefined
      ? ''
      : `  ${objects} are bound by a minimum duration, leaving now would charge ${usd(liabilityUsd)}; ` +
        `the first is free on ${new Date(firstFreeAt).toISOString().slice(0, 10)}\n`;
  process.stdout.write(
    `${summary.moves} of ${summary.objects} objects would move: ${usd(summary.savedUsdPerMonth)} less a month for ${usd(summary.onceUsd)} once\n` +
      [...flows, packed, ...kept, ledger].join(''),
  );
  if (policy.kind === 'lifecycle') process.stdout.write(await deletesText(expiries, options));
}

type Expiry = NonNullable<OperationOutput<'planTiers'>['items'][number]['expires']>;

/** What a sweep would delete if it may, and what the last ones have. */
async function deletesText(expiries: readonly Expiry[], options: PlanOptions): Promise<string> {
  const lines = expiries.map(
    ({ model, version, bytes, usdPerMonth, earlyDeletionUsd, reason, risk }) =>
      `  delete ${model}@${version}: ${formatBytes(bytes)}, saves ${formatUsd(usdPerMonth)} a month, ` +
      `early deletion ${formatUsd(earlyDeletionUsd)}, ${reason}, risk ${risk}\n`,
  );
  const head = `${expiries.length} versions could be deleted; a sweep with lifecycleDeletes=on does, strata undo brings them back for a week\n`;
  if (options.inventory !== undefined) return [head, ...lines].join('');
  const { items } = await (await connect(options)).operations.listExpiryRuns({ limit: RUNS });
  const runs = items.map(
    ({ foundAt, versions, bytes, savedUsdPerMonth }) =>
      `  sweep of ${new Date(foundAt).toISOString().slice(0, 16)}: deleted ${versions}, ${formatBytes(bytes)}, saves ${formatUsd(savedUsdPerMonth)} a month\n`,
  );
  return [head, ...lines, ...runs].join('');
}

function bytesOf({ bytes, bytesAfter }: { readonly bytes: number; readonly bytesAfter: number }): string {
  if (bytes === bytesAfter) return formatBytes(bytes);
  const change = Math.round(100 * (bytesAfter / bytes - 1));
  return `${formatBytes(bytes)} → ${formatBytes(bytesAfter)} (${change > 0 ? '+' : ''}${change} %)`;
}

async function diff(present: string, next: string, options: InventoryOptions): Promise<void> {
  const changes = new PolicyDiff(policyNamed(present), policyNamed(next), compileRates(await pricesOf(options)));
  for await (const { facts } of factsOf(options, next)) changes.add(facts, options.at);
  const summary = changes.summary();
  if (summary.blocked) process.exitCode = EXIT_FINDINGS;
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ schema: 'strata.policy-diff/v1', present, next, ...summary })}\n`);
    return;
  }
  process.stdout.write(
    `${summary.changed} of ${summary.objects} objects would be elsewhere, ${summary.colder} where reads cost more or wait\n`,
  );
  if (!summary.blocked) return;
  process.stdout.write(`BLOCKED: ${summary.caught} of them are in use\n`);
  for (const { digest, why, before, after } of summary.examples) {
    process.stdout.write(`  ${digest.slice(0, 12)} ${why}: ${before} → ${after}\n`);
  }
}

interface Listed {
  readonly facts: TierFacts;
  readonly expires?: Expiry | undefined;
  /** Of the origin; empty where a file lists it. */
  readonly versionId: string;
}

/** The plane decides by its own prices; of an inventory alone nobody knows others than the shipped ones. */
async function pricesOf(options: InventoryOptions): Promise<PriceBook> {
  if (options.inventory !== undefined) return shippedPriceBook();
  return (await planePrices((await connect(options)).operations)).prices;
}

/** Facts from a file, or from the plane's catalog page by page. */
async function* factsOf(options: InventoryOptions, policy: string): AsyncGenerator<Listed> {
  if (options.inventory !== undefined) {
    for await (const facts of inventory(options.inventory)) yield { facts, versionId: '' };
    return;
  }
  const { operations } = await connect(options);
  let nextToken: string | undefined;
  do {
    const wish = { limit: 100, policy: TierPolicyName.parse(policy) };
    const page = await operations.planTiers({ ...wish, ...(nextToken === undefined ? {} : { nextToken }) });
    yield* page.items;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
}

/** Throws `PlacementError` with code `bad-inventory` for a line that holds no facts, and where there is none at all. */
async function* inventory(path: string): AsyncGenerator<TierFacts> {
  let number = 0;
  let objects = 0;
  for await (const lines of readLines(path)) {
    for (const line of lines) {
      number += 1;
      if (line === '') continue;
      objects += 1;
      yield parseFacts(line, `${path}:${number}`);
    }
  }
  if (objects === 0) throw badInventory(`${path} lists no object.`);
}

function parseFacts(line: string, where: string): TierFacts {
  const facts = TierFacts.safeParse(parseJson(line, where));
  if (facts.success) return facts.data;
  throw badInventory(
    `${where} holds no tier facts: ${describeIssues(facts.error.issues)}. See lib/placement/tierFacts.ts for their fields.`,
  );
}

function parseJson(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw badInventory(`${where} is no JSON. An inventory has one JSON object of tier facts a line.`);
  }
}

const badInventory = (message: string): PlacementError =>
  new PlacementError({ code: 'bad-inventory', message, retryable: false });

function policyNamed(name: string): TierPolicy {
  const policy = Object.hasOwn(POLICIES, name) ? POLICIES[name] : undefined;
  if (policy === undefined)
    throw new InvalidArgumentError(`${name} is not one of ${Object.keys(POLICIES).join(', ')}.`);
  return policy;
}
