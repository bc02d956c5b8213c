import { type Command, Option } from 'commander';
import { decideTier, explainTier, TierPlan } from '../../lib/placement/index.ts';
import { StorageClass } from '../../lib/shared/ids.ts';
import { TierPolicyName } from '../../lib/shared/sweepMode.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';
import { formatBytes, formatUsd, Usd } from '../../lib/shared/units.ts';
import { policyOf } from '../../lib/tiering/index.ts';
import { notNegative, positiveInteger } from '../arguments.ts';
import { connect } from '../connection/connect.ts';
import { CliError } from '../errors.ts';
import { judgedText, termsOf, type Terms } from '../judging.ts';
import { tell, tellRecord } from '../output.ts';
import { decidesText } from '../prices/books.ts';
import { leftMoves, leftText } from '../plan/leftMoves.ts';
import { type Expiry, factsOf, type InventoryOptions, withInventory } from '../plan/facts.ts';
import { applyPlan, type PlannedMove, plannedMove } from './applyPlan.ts';
import { registerPolicy } from './policy.ts';
import { registerPolicyDiff } from './policyDiff.ts';
import { type ManifestOptions, ManifestWriter, withManifest } from './planManifest.ts';

/** Past sweeps that a report shows. */
const RUNS = 5;

/** Adds `strata plan` and `strata policy diff`, both over an inventory of tier facts or over the plane's own. */
export function registerPlan(program: Command): void {
  withManifest(withInventory(program.command('plan')))
    .description('what would move between storage classes now, with totals; moves nothing without --apply')
    .addOption(
      new Option('--policy <name>', 'that decides instead of the one in force').choices(TierPolicyName.options),
    )
    .option('--explain <digest>', 'instead: say why, for the objects whose digest begins so')
    .addOption(new Option('--from <class>', 'only moves out of this class').choices(StorageClass.options))
    .addOption(new Option('--action <name>', 'only such moves').choices(['transition', 'pack', 'unpack']))
    .addOption(new Option('--to <class>', 'only moves into this class').choices(StorageClass.options))
    .option('--apply', 'set the moves going, unless the plan would catch objects in use; not with --inventory')
    .option('--yes', 'with --apply: do not ask')
    .option('--run <id>', 'with --apply: go on with a run that was interrupted, within the limits that it began with')
    .option('--max-cost <usd>', 'with --apply or --manifest: what the moves may cost at most', notNegative, 100)
    .option('--max-moves <n>', 'with --apply or --manifest: how many moves at most', positiveInteger, 10_000)
    .action(plan);
  const policy = program.command('policy').description('policies of storage classes');
  registerPolicyDiff(policy);
  registerPolicy(policy);
}

interface PlanOptions extends InventoryOptions, Omit<ManifestOptions, 'policy'> {
  readonly policy?: TierPolicyName;
  readonly explain?: string;
  readonly from?: StorageClass;
  readonly action?: string;
  readonly to?: StorageClass;
  readonly apply?: boolean;
  readonly yes?: boolean;
  readonly run?: string;
}

async function plan(options: PlanOptions): Promise<void> {
  const terms = await termsOf(options);
  const { policy } = terms.judged;
  const manifests =
    options.manifest === undefined ? undefined : new ManifestWriter(options.manifest, { ...options, policy });
  try {
    await planMoves(options, terms, manifests);
  } finally {
    await manifests?.abandon();
  }
}

async function planMoves(options: PlanOptions, terms: Terms, manifests: ManifestWriter | undefined): Promise<void> {
  const { judged, rates } = terms;
  const totals = new TierPlan();
  const policy = policyOf(judged.settings, judged.policy);
  const moves: PlannedMove[] = [];
  const expiries: Expiry[] = [];
  for await (const { expires, facts, versionId } of factsOf(options, judged)) {
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
    if (options.json === true) tellRecord({ schema: 'strata.tier-decision/v1', ...decision });
    else tell(explainTier(decision, facts, policy, rates, options.at));
  }
  if (options.explain !== undefined) {
    if (totals.summary().objects === 0) {
      const message = `No object that was looked at has a digest that begins with ${options.explain}.`;
      throw new CliError({ code: 'unknown-digest', message, retryable: false });
    }
    if (options.json !== true) tell(`\n${judgedText(terms.judged)}`);
    return;
  }
  if (manifests === undefined || options.json !== true) await report(totals, terms, expiries, options);
  await manifests?.end();
  if (options.apply === true) await applyPlan(moves, { ...options, policy: judged.policy });
}

async function report(
  totals: TierPlan,
  { judged, rates }: Terms,
  expiries: readonly Expiry[],
  options: PlanOptions,
): Promise<void> {
  const summary = totals.summary();
  const left = options.inventory === undefined ? await leftMoves((await connect(options)).operations) : undefined;
  if (options.json === true) {
    const { version } = policyOf(judged.settings, judged.policy);
    const named = { policy: version, basis: judged.basis, prices: rates.prices.id };
    tellRecord({ schema: 'strata.plan/v1', ...named, ...summary, expiries, left });
    return;
  }
  const usd = (amount: number): string => formatUsd(Usd.parse(amount));
  const flows = summary.flows.map(
    (flow) =>
      `  ${flow.from} → ${flow.to}: ${formatCount(flow.objects, 'object')}, ${bytesOf(flow)}, ` +
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
  tell(
    `${summary.moves} of ${formatCount(summary.objects, 'object')} would move: ${usd(summary.savedUsdPerMonth)} less a month for ${usd(summary.onceUsd)} once\n` +
      [...flows, packed, ...kept, ledger].join(''),
  );
  if (judged.policy === 'lifecycle') tell(await deletesText(expiries, options));
  if (left !== undefined) tell(leftText(left));
  tell(`${judgedText(judged)}Prices: ${rates.prices.id}. ${decidesText(rates)}\n`);
}

/** What a sweep would delete if it may, and what the last ones have. */
async function deletesText(expiries: readonly Expiry[], options: PlanOptions): Promise<string> {
  const lines = expiries.map(
    ({ model, version, bytes, usdPerMonth, earlyDeletionUsd, reason, risk }) =>
      `  delete ${model}@${version}: ${formatBytes(bytes)}, saves ${formatUsd(usdPerMonth)} a month, ` +
      `early deletion ${formatUsd(earlyDeletionUsd)}, ${reason}, risk ${risk}\n`,
  );
  const head = `${formatCount(expiries.length, 'version')} could be deleted; a sweep with lifecycleDeletes=on does, strata undo brings them back for a week\n`;
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
