import { type Command, InvalidArgumentError, Option } from 'commander';
import { readLines } from '../../lib/adapters/files/lineFile.ts';
import {
  compileRates,
  DOLLARS,
  decideTier,
  explainTier,
  PlacementError,
  PolicyDiff,
  TIER_RULES,
  TierFacts,
  TierPlan,
  type TierPolicy,
} from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { EpochMs, formatBytes, formatUsd, Usd } from '../../lib/shared/units.ts';

const POLICIES: Readonly<Record<string, TierPolicy>> = { dollars: DOLLARS, rules: TIER_RULES };
/** A finding that a script must notice: the change is blocked. */
const EXIT_FINDINGS = 1;

interface InventoryOptions {
  readonly inventory: string;
  readonly at: EpochMs;
  readonly json?: true;
}

/** Adds `strata plan` and `strata policy diff`, both over an inventory of tier facts. */
export function registerPlan(program: Command): void {
  withInventory(program.command('plan'))
    .description('what would move between storage classes now, with totals; moves nothing')
    .addOption(new Option('--policy <name>', 'that decides').choices(Object.keys(POLICIES)).default('dollars'))
    .option('--explain <digest>', 'instead: say why, for the objects whose digest begins so')
    .action(plan);
  const policy = program.command('policy').description('policies of storage classes');
  withInventory(policy.command('diff <present> <next>'))
    .description(
      `what changes between two policies (${Object.keys(POLICIES).join(', ')}); exit code 1 if it would catch objects in use`,
    )
    .action(diff);
}

function withInventory(command: Command): Command {
  return command
    .requiredOption('--inventory <file>', 'one JSON object of tier facts a line, gzip allowed')
    .option('--at <date>', 'decide as of this moment', parseMoment, EpochMs.parse(Date.now()))
    .option('--json', 'one JSON object');
}

interface PlanOptions extends InventoryOptions {
  readonly policy: string;
  readonly explain?: string;
}

async function plan(options: PlanOptions): Promise<void> {
  const rates = compileRates(shippedPriceBook());
  const totals = new TierPlan();
  const policy = policyNamed(options.policy);
  for await (const facts of inventory(options.inventory)) {
    if (options.explain !== undefined && !facts.digest.startsWith(options.explain)) continue;
    const decision = decideTier(facts, policy, rates, options.at);
    totals.add(decision, facts);
    if (options.explain === undefined) continue;
    const json = `${JSON.stringify({ schema: 'strata.tier-decision/v1', ...decision })}\n`;
    process.stdout.write(options.json === true ? json : explainTier(decision, facts, policy, options.at));
  }
  if (options.explain === undefined) report(totals, policy, options);
}

function report(totals: TierPlan, policy: TierPolicy, options: PlanOptions): void {
  const summary = totals.summary();
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ schema: 'strata.plan/v1', policy: policy.version, ...summary })}\n`);
    return;
  }
  const usd = (amount: number): string => formatUsd(Usd.parse(amount));
  const flows = summary.flows.map(
    (flow) =>
      `  ${flow.from} → ${flow.to}: ${flow.objects} objects, ${formatBytes(flow.bytes)}, ` +
      `${usd(flow.usdPerMonthBefore)} → ${usd(flow.usdPerMonthAfter)} a month, ` +
      `once ${usd(flow.moveUsd)} and ${usd(flow.earlyDeletionUsd)} early deletion\n`,
  );
  const kept = Object.entries(summary.kept).map(([reason, count]) => `  stay, ${reason}: ${count}\n`);
  const { objects, liabilityUsd, firstFreeAt } = summary.bound;
  const ledger =
    firstFreeAt === undefined
      ? ''
      : `  ${objects} are bound by a minimum duration, leaving now would charge ${usd(liabilityUsd)}; ` +
        `the first is free on ${new Date(firstFreeAt).toISOString().slice(0, 10)}\n`;
  process.stdout.write(
    `${summary.moves} of ${summary.objects} objects would move: ${usd(summary.savedUsdPerMonth)} less a month for ${usd(summary.onceUsd)} once\n` +
      [...flows, ...kept, ledger].join(''),
  );
}

async function diff(present: string, next: string, options: InventoryOptions): Promise<void> {
  const changes = new PolicyDiff(policyNamed(present), policyNamed(next), compileRates(shippedPriceBook()));
  for await (const facts of inventory(options.inventory)) changes.add(facts, options.at);
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

async function* inventory(path: string): AsyncGenerator<TierFacts> {
  let number = 0;
  for await (const lines of readLines(path)) {
    for (const line of lines) {
      number += 1;
      if (line !== '') yield parseFacts(line, `${path}:${number}`);
    }
  }
}

function parseFacts(line: string, where: string): TierFacts {
  try {
    return TierFacts.parse(JSON.parse(line));
  } catch (cause) {
    const message = `${where} holds no tier facts. See lib/placement/tierFacts.ts for their fields.`;
    throw new PlacementError({ code: 'bad-inventory', message, retryable: false, cause });
  }
}

function policyNamed(name: string): TierPolicy {
  const policy = Object.hasOwn(POLICIES, name) ? POLICIES[name] : undefined;
  if (policy === undefined)
    throw new InvalidArgumentError(`${name} is not one of ${Object.keys(POLICIES).join(', ')}.`);
  return policy;
}

function parseMoment(text: string): EpochMs {
  const at = EpochMs.safeParse(Date.parse(text));
  if (!at.success) throw new InvalidArgumentError('must be a date, such as 2026-11-20.');
  return at.data;
}
