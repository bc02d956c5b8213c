import type { Command } from 'commander';
import { PolicyDiff } from '../../lib/placement/index.ts';
import type { TierPolicyName } from '../../lib/shared/sweepMode.ts';
import { type Deciding, policyOf } from '../../lib/tiering/index.ts';
import { connect } from '../connection/connect.ts';
import { settingsText, termsOf } from '../judging.ts';
import { DECIDING_SYNTAX, IN_FORCE, parseDeciding } from '../plan/deciding.ts';
import { factsOfBoth, type InventoryOptions, withInventory } from '../plan/facts.ts';

/** A finding that a script must notice: the change is blocked. */
const EXIT_FINDINGS = 1;

/** Adds `strata policy diff`: what a change of the policy, or of its settings, would catch. */
export function registerPolicyDiff(policy: Command): void {
  withInventory(policy.command('diff <present> <next>'))
    .description(
      `what changes between two policies; exit code 1 if it would catch objects in use. Each is ${DECIDING_SYNTAX}`,
    )
    .action(diff);
}

async function diff(before: string, after: string, options: InventoryOptions): Promise<void> {
  const inForce = async (policy: TierPolicyName | undefined): Promise<Deciding> =>
    (await termsOf({ ...options, ...(policy === undefined ? {} : { policy }) })).judged;
  const known = { inForce, wanted: () => wantedOf(options) };
  const present = await parseDeciding(before, known);
  const next = await parseDeciding(after, known);
  const { judged, rates } = await termsOf(options);
  // Before the first policy, and of other code than was looked at, nothing decides: everything stays.
  const stays = before === IN_FORCE && judged.basis === 'configured' && judged.sweep === 'on';
  const was = stays ? undefined : policyOf(present.settings, present.policy);
  const is = policyOf(next.settings, next.policy);
  const changes = new PolicyDiff(was, is, rates);
  for await (const facts of factsOfBoth(options, present, next)) changes.add(facts.next, options.at, facts.present);
  const summary = changes.summary();
  if (summary.blocked) process.exitCode = EXIT_FINDINGS;
  if (options.json === true) {
    const named = { present: was?.version ?? 'nothing', next: is.version, prices: rates.prices.id };
    process.stdout.write(`${JSON.stringify({ schema: 'strata.policy-diff/v1', ...named, ...summary })}\n`);
    return;
  }
  process.stdout.write(
    `From ${was === undefined ? 'where everything lies, since nothing is in force,' : `${was.version} (${settingsText(present)})`} to ${is.version} (${settingsText(next)}), at prices ${rates.prices.id}:\n` +
      `${summary.changed} of ${summary.objects} objects would be elsewhere, ${summary.colder} where reads cost more or wait\n`,
  );
  if (!summary.blocked) return;
  process.stdout.write(`BLOCKED: ${summary.caught} of them are in use\n`);
  for (const { digest, why, before: from, after: to } of summary.examples) {
    process.stdout.write(`  ${digest.slice(0, 12)} ${why}: ${from} → ${to}\n`);
  }
}

/** What the plane is configured with and does not decide by yet. */
async function wantedOf(options: InventoryOptions): Promise<Deciding | undefined> {
  const { operations } = await connect(options);
  const [row] = (await operations.showTierPolicy({})).items;
  if (row?.wanted === undefined) return undefined;
  const { wanted: policy, wantedSettings } = row;
  return { policy, settings: wantedSettings ?? (await operations.showJudging({ policy })).settings };
}
