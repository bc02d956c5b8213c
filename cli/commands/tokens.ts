import { type Command, InvalidArgumentError } from 'commander';
import { JoinTokenId } from '../../lib/fleet/index.ts';
import type { OperationOutput } from '../../lib/operations/index.ts';
import { HostPattern } from '../../lib/shared/ids.ts';
import { positiveInteger } from '../arguments.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { note, print } from '../output.ts';
import { DRY_RUN, isDry, type MutationOptions, sayDry } from './mutation.ts';

const PAGE = 1000;

/** Adds `strata token`. */
export function registerTokens(program: Command): void {
  const token = program.command('token').description('rights for hosts to register');
  withPlane(token.command('create').description('a join token that registers a host'))
    .argument('<host>', 'the host’s name, or `prefix*` for hosts whose names begin so', hostPattern)
    .option('--uses <n>', 'how many hosts a prefix may register (1–100)', positiveInteger, 1)
    .option('--valid <minutes>', 'how long it can be used, seven days at most', positiveInteger, 60)
    .action(runCreate);
  withPlane(token.command('list').description('join tokens that are not expired, and who has used them')).action(
    runList,
  );
  withPlane(token.command('revoke').description('take a join token’s right away; hosts that it registered stay'))
    .argument('<id>', 'as `token list` shows it', tokenId)
    .option(...DRY_RUN)
    .action(async (id: JoinTokenId, options: MutationOptions) => {
      const { operations } = await connect(options);
      printTokens(options, [await operations.revokeJoinToken({ id, dryRun: isDry(options) })]);
      sayDry(options);
    });
}

interface TokenOptions extends PlaneOptions {
  readonly valid: number;
  readonly uses: number;
}

async function runCreate(hosts: HostPattern, options: TokenOptions): Promise<void> {
  const { operations } = await connect(options);
  const token = await operations.createJoinToken({ hosts, uses: options.uses, validMinutes: options.valid });
  print(options, {
    schema: 'strata.join-token/v1',
    items: [token],
    id: (one) => one.token,
    columns: [
      ['TOKEN', (one) => one.token],
      ['ID', ({ id }) => id],
      ['HOSTS', (one) => one.hosts],
      ['USES', ({ uses }) => String(uses)],
      ['EXPIRES', ({ expiresAt }) => new Date(expiresAt).toISOString()],
    ],
  });
  if (options.json !== true && options.quiet !== true) note('It is shown only now.');
}

async function runList(options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  const items: Known[] = [];
  let nextToken: string | undefined;
  do {
    const page = await operations.listJoinTokens({ limit: PAGE, ...(nextToken === undefined ? {} : { nextToken }) });
    items.push(...page.items);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  printTokens(options, items);
}

type Known = OperationOutput<'listJoinTokens'>['items'][number];

function printTokens(options: PlaneOptions, items: readonly Known[]): void {
  print(options, {
    schema: 'strata.known-join-token/v1',
    items,
    id: ({ id }) => id,
    columns: [
      ['ID', ({ id }) => id],
      ['HOSTS', ({ hosts }) => hosts],
      ['USED', ({ usedBy, uses }) => `${usedBy.length} of ${uses}`],
      ['BY', ({ usedBy }) => usedBy.join(', ')],
      ['EXPIRES', ({ expiresAt }) => new Date(expiresAt).toISOString()],
    ],
    empty: 'No join token is valid. Make one: strata token create HOST',
  });
}

function tokenId(text: string): JoinTokenId {
  const id = JoinTokenId.safeParse(text);
  if (id.success) return id.data;
  throw new InvalidArgumentError('It is the 16 characters that `strata token list` shows.');
}

function hostPattern(text: string): HostPattern {
  const hosts = HostPattern.safeParse(text);
  if (hosts.success) return hosts.data;
  throw new InvalidArgumentError('It is up to 40 lower-case letters, digits and hyphens, as in gpu-17 or gpu-*.');
}
