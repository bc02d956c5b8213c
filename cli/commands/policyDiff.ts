import type { Command } from 'commander';
import { type DiffFlow, PolicyDiff, type Rates } from '../../lib/placement/index.ts';
import { bookName } from '../../lib/pricing/index.ts';
import type { TierPolicyName } from '../../lib/shared/sweepMode.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';
import { formatBytes, formatUsd, Usd } from '../../lib/shared/units.ts';
import { type Deciding, policyOf } from '../../lib/tiering/index.ts';
import { connect } from '../connection/connect.ts';
import { EXIT } from '../errors.ts';
import { settingsText, termsOf } from '../judging.ts';
import { tell, tellRecord } from '../output.ts';
import { ratesOfFile } from '../prices/books.ts';
import { DECIDING_SYNTAX, IN_FORCE, parseDeciding } from '../plan/deciding.ts';
import { factsOfBoth, type InventoryOptions, withInventory } from '../plan/facts.ts';

/** Adds `strata policy diff`: what a change of the policy, or of its settings, would catch. */
export function registerPolicyDiff(policy: Command): void {
  withInventory(policy.command('diff [present] [next]'))
    .description(
      `what changes between two policies, or two price books, in dollars; exit code 1 if it would catch objects in use. Each is ${DECIDING_SYNTAX}; without them both are ${IN_FORCE}`,
    )
    .option('--prices <file>', 'a price book that the present one decides by, before those at hand')
    .option('--against <file>', 'a price book that the next one decides by')
    .action(diff);
}

interface DiffOptions extends InventoryOptions {
  readonly prices?: string;
  readonly against?: string;
}

async function diff(
  before: string | undefined = IN_FORCE,
  after: string | undefined = IN_FORCE,
  options: DiffOptions,
): Promise<void> {
  const inForce = async (policy: TierPolicyName | undefined): Promise<Deciding> =>
    (await termsOf({ ...options, ...(policy === undefined ? {} : { policy }) })).judged;
  const known = { inForce, wanted: () => wantedOf(options) };
  const present = await parseDeciding(before, known);
  const next = await parseDeciding(after, known);
  const { judged, rates: atHand } = await termsOf(options);
  const rates = await ratesOfFile(options.prices, atHand);
  const nextRates = options.against === undefined ? rates : await ratesOfFile(options.against, atHand);
  // Before the first policy, and of other code than was looked at, nothing decides: everything stays.
  const compares = options.prices !== undefined || options.against !== undefined;
  const stays = before === IN_FORCE && !compares && judged.basis === 'configured' && judged.sweep === 'on';
  const was = stays ? undefined : policyOf(present.settings, present.policy);
  const is = policyOf(next.settings, next.policy);
  const changes = new PolicyDiff(was, is, rates, nextRates);
  for await (const facts of factsOfBoth(options, present, next)) changes.add(facts.next, options.at, facts.present);
  const summary = changes.summary();
  if (summary.blocked) process.exitCode = EXIT.failed;
  if (options.json === true) {
    const named = {
      present: was?.version ?? 'nothing',
      next: is.version,
      prices: rates.prices.id,
      against: nextRates.prices.id,
    };
    tellRecord({ schema: 'strata.policy-diff/v1', ...named, ...summary });
    return;
  }
  tell(
    `From ${was === undefined ? 'where everything lies, since nothing is in force,' : `${was.version} (${settingsText(present)})`} to ${is.version} (${settingsText(next)}), ${pricesText(rates, nextRates)}:\n` +
      `${summary.changed} of ${formatCount(summary.objects, 'object')} would be elsewhere, ${summary.colder} where reads cost more or wait\n`,
  );
  for (const flow of summary.flows) tell(flowText(flow));
  if (summary.flows.length > 0) tell(totalText(summary.flows, nextRates));
  if (!summary.blocked) return;
  tell(`BLOCKED: ${summary.caught} of them are in use\n`);
  for (const { digest, why, before: from, after: to } of summary.examples) {
    tell(`  ${digest.slice(0, 12)} ${why}: ${from} → ${to}\n`);
  }
}

function pricesText({ prices }: Rates, { prices: next }: Rates): string {
  if (prices.id === next.id) return `at prices ${prices.id}`;
  return `at prices ${firstBook(prices)} and then ${firstBook(next)}`;
}

/** The one that answers first. */
function firstBook(prices: Rates['prices']): string {
  const [first] = prices.books;
  return first === undefined ? prices.id : bookName(first);
}

function flowText({ after, before, bytes, from, objects, ...usd }: DiffFlow): string {
  const lies = from === before ? `stay in ${before}` : `go from ${from} to ${before}`;
  const was = usd.usdPerMonthBefore === undefined ? 'unknown' : formatUsd(Usd.parse(usd.usdPerMonthBefore));
  return (
    `  ${formatCount(objects, 'object')}, ${formatBytes(bytes)}, would not ${lies} but ${from === after ? 'stay in' : 'go to'} ${after}: ` +
    `${was} → ${formatUsd(Usd.parse(usd.usdPerMonthAfter))} a month, once ${formatUsd(Usd.parse(usd.onceUsd))}\n`
  );
}

function totalText(flows: readonly DiffFlow[], { prices }: Rates): string {
  const sum = (of: (flow: DiffFlow) => number) =>
    formatUsd(Usd.parse(flows.reduce((total, flow) => total + of(flow), 0)));
  const unknown = flows.some(({ usdPerMonthBefore }) => usdPerMonthBefore === undefined);
  const less = unknown
    ? 'what it saves is unknown, since a class has no price there'
    : `${sum((flow) => (flow.usdPerMonthBefore ?? 0) - flow.usdPerMonthAfter)} less a month`;
  return `Together ${less}, for ${sum(({ onceUsd }) => onceUsd)} once, by the prices of ${firstBook(prices)}.\n`;
}

/** What the plane is configured with and does not decide by yet; in words where there is no such thing. */
async function wantedOf(options: InventoryOptions): Promise<Deciding | string> {
  const { operations } = await connect(options);
  const [row] = (await operations.showTierPolicy({})).items;
  if (row?.wanted !== undefined) {
    const { wanted: policy, wantedSettings } = row;
    return { policy, settings: wantedSettings ?? (await operations.showJudging({ policy })).settings };
  }
  const judging = await operations.showJudging({});
  if (judging.basis === 'shipped') {
    return 'no policy is in force yet, and what is configured is known when the first sweep has begun';
  }
  if (judging.sweep !== 'on') return `nothing waits, since sweeps are ${judging.sweep ?? 'off'}`;
  return row === undefined ? judging : 'nothing waits, what is configured is in force';
}
