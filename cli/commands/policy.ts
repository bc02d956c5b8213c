import { Argument, type Command } from 'commander';
import type { OperationOutput } from '../../lib/operations/index.ts';
import { TierPolicyName } from '../../lib/shared/sweepMode.ts';
import type { TierSettings } from '../../lib/shared/tierSettings.ts';
import { policyOf } from '../../lib/tiering/index.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { settingsText } from '../judging.ts';
import { ago, print, tell } from '../output.ts';
import { DRY_RUN, isDry, type MutationOptions, operatorOf, sayDry, withOperator } from './mutation.ts';

/** Adds `strata policy show` and `strata policy accept`: what sweeps decide by, and a change of it that catches objects in use. */
export function registerPolicy(policy: Command): void {
  const policyName = new Argument('<policy>', 'that sweeps decide by from then on').choices(TierPolicyName.options);
  withPlane(policy.command('show').description('what sweeps decide by, and the change that waits')).action(runShow);
  withOperator(withPlane(policy.command('accept').addArgument(policyName)))
    .description(
      'let the next sweep change to it, or to its new settings, although objects in use become dearer or slower to read',
    )
    .option(...DRY_RUN)
    .action(runAccept);
}

async function runShow(options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  const { items } = await operations.showTierPolicy({});
  printPolicies(options, items);
}

async function runAccept(name: string, options: MutationOptions & { readonly by?: string }): Promise<void> {
  const { operations } = await connect(options);
  const wish = { policy: TierPolicyName.parse(name), by: operatorOf(options), dryRun: isDry(options) };
  printPolicies(options, [await operations.acceptTierPolicy(wish)]);
  sayDry(options);
}

function printPolicies(options: PlaneOptions, items: OperationOutput<'showTierPolicy'>['items']): void {
  print(options, {
    schema: 'strata.tier-policy/v1',
    items,
    id: ({ inForce = 'nothing' }) => inForce,
    columns: [
      ['IN FORCE', inForceText],
      ['SINCE', ({ since }) => ago(since), 'spare'],
      ['WANTED', ({ wanted, wantedSettings }) => (wanted === undefined ? '' : decidingText(wanted, wantedSettings))],
      ['WOULD MOVE', ({ reach, refusedFor }) => countOf((reach ?? refusedFor)?.changed)],
      ['IN USE', ({ reach, refusedFor }) => countOf((reach ?? refusedFor)?.caught)],
      ['UNREAD', ({ reach, refusedFor }) => countOf((reach ?? refusedFor)?.unknown), 'spare'],
      ['STATE', stateOf],
    ],
    empty: 'No sweep has begun yet: nothing is in force before the first one has had every object looked at.',
  });
  if (options.json === true || options.quiet === true) return;
  for (const { reach, refusedFor } of items) {
    const { examples = [], unknown = 0, unreadable = [] } = reach ?? refusedFor ?? {};
    if (examples.length > 0) tell(`In use, for example: ${examples.join(', ')}\n`);
    if (unknown === 0) continue;
    tell(
      `${unknown} rows could not be read, so that the change is refused: ${unreadable.join(', ')} …\n` +
        'The log of the function `sweep` says why of each (`blob not looked at`); the next sweep looks again.\n',
    );
  }
}

type Look = NonNullable<OperationOutput<'acceptTierPolicy'>['look']>;

/** Of what was looked at, the version may be another one than this release decides by. */
function inForceText({ decides, inForce, settings, version }: OperationOutput<'acceptTierPolicy'>): string {
  if (inForce === undefined) return 'nothing yet';
  if (decides !== false) return decidingText(inForce, settings);
  return `nothing: ${version ?? inForce} is no more`;
}

/** Without settings a release has written it that noted none. */
function decidingText(policy: TierPolicyName, settings: TierSettings | undefined): string {
  if (settings === undefined) return policy;
  return `${policyOf(settings, policy).version}, ${settingsText({ policy, settings })}`;
}

const countOf = (count: number | undefined): string => (count === undefined ? '' : String(count));

function stateOf({ acceptedBy, look, refusedAt, wanted }: OperationOutput<'acceptTierPolicy'>): string {
  if (acceptedBy !== undefined) return `accepted by ${acceptedBy}, from the next sweep on`;
  if (wanted === undefined) return 'in force';
  const looked = look === undefined ? 'the next sweep has it looked at' : lookText(look);
  return refusedAt === undefined ? looked : `refused ${ago(refusedAt)}; ${looked}`;
}

function lookText({ endsAt, of, parts, place }: Look): string {
  if (parts === of) return `looked at ${of} of ${of} parts: the next sweep decides`;
  const ends = endsAt === undefined ? '' : `, until about ${new Date(endsAt).toISOString().slice(0, 16)}Z`;
  return `looked at ${parts} of ${of} parts, ${Math.floor(100 * place)} %${ends}`;
}
