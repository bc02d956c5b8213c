import { type Command, InvalidArgumentError } from 'commander';
import type { VolumeReport } from '../../events/host-heartbeat/v1.ts';
import { parseReference } from '../../lib/catalog/index.ts';
import { HostPattern } from '../../lib/shared/ids.ts';
import { formatBytes } from '../../lib/shared/units.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { CliError } from '../errors.ts';
import { ago, note, print } from '../output.ts';
import { DRY_RUN, exact, isDry, type MutationOptions, sayDry } from './mutation.ts';

/** Adds the commands of operators: `hosts`, `alias`, `deprecate`, `dlq`, `token`. */
export function registerOperate(program: Command): void {
  withPlane(program.command('hosts').description('registered hosts with their room'))
    .argument('[host]', 'only this one')
    .action(runHosts);
  registerAlias(program);
  withPlane(program.command('deprecate').description('have `latest` and ranges pass over a version'))
    .argument('<name@version>')
    .option('--undo', 'take the mark away')
    .option(...DRY_RUN)
    .action(runDeprecate);
  registerDeadLetters(program);
  withPlane(program.command('token').description('rights for hosts').command('create'))
    .description('a join token that registers a host')
    .argument('<host>', 'the host’s name, or `prefix*` for hosts whose names begin so', hostPattern)
    .option('--uses <n>', 'how many hosts a prefix may register (1–100)', positive, 1)
    .option('--valid <minutes>', 'how long it can be used, seven days at most', positive, 60)
    .action(runToken);
}

function registerAlias(program: Command): void {
  const alias = program.command('alias').description('names that move from version to version');
  withPlane(alias.command('promote').description('point an alias at a published version'))
    .argument('<name@version>')
    .argument('<alias>')
    .option(...DRY_RUN)
    .action(async (target: string, name: string, options: MutationOptions) => {
      const { operations } = await connect(options);
      printAlias(options, await operations.promoteAlias({ ...exact(target), alias: name, dryRun: isDry(options) }));
    });
  withPlane(alias.command('rollback').description('point an alias back at where it was before'))
    .argument('<name>')
    .argument('<alias>')
    .option(...DRY_RUN)
    .action(async (target: string, name: string, options: MutationOptions) => {
      const { operations } = await connect(options);
      const { model } = parseReference(target);
      printAlias(options, await operations.rollbackAlias({ model, alias: name, dryRun: isDry(options) }));
    });
}

function printAlias(
  options: MutationOptions,
  alias: {
    readonly model: string;
    readonly alias: string;
    readonly version: string;
    readonly previous?: string | undefined;
  },
): void {
  print(options, {
    schema: 'strata.alias/v1',
    items: [alias],
    id: (one) => one.version,
    columns: [
      ['ALIAS', (one) => `${one.model}@${one.alias}`],
      ['VERSION', ({ version }) => version],
      ['BEFORE', ({ previous }) => previous ?? ''],
    ],
  });
  sayDry(options);
}

async function runHosts(name: string | undefined, options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  const all = (await operations.listHosts({})).items;
  const items = name === undefined ? all : all.filter(({ id }) => id === name);
  if (name !== undefined && items.length === 0) {
    const message = `No host ${name} is registered. \`strata hosts\` lists all.`;
    throw new CliError({ code: 'bad-reference', message, retryable: false });
  }
  print(options, {
    schema: 'strata.host/v1',
    items,
    id: ({ id }) => id,
    columns: [
      ['HOST', ({ id }) => id],
      ['STATE', ({ state, drainAsked }) => (state === 'silent' && drainAsked ? 'silent, to drain' : state)],
      ['GENERATION', ({ generation }) => String(generation)],
      ['USED', ({ usedBytes }) => formatBytes(usedBytes)],
      ['RESERVED', ({ reservedBytes }) => formatBytes(reservedBytes)],
      ['CAPACITY', ({ capacityBytes }) => formatBytes(capacityBytes)],
      ['VOLUMES', ({ volumes = [] }) => volumes.map(volumeText).join(', ')],
      ['HEARTBEAT', ({ heartbeatAt }) => ago(heartbeatAt)],
      ['SUBSCRIPTIONS', ({ subscriptions }) => subscriptions.join(', ')],
    ],
    empty: 'No host is registered. Make a join token: strata token create HOST',
  });
}

function volumeText({ name, tier, state, usedBytes, capacityBytes }: VolumeReport): string {
  const filling = state === 'failed' ? 'FAILED' : `${formatBytes(usedBytes)} of ${formatBytes(capacityBytes)}`;
  return `${name} (${tier}) ${filling}`;
}

async function runDeprecate(target: string, options: MutationOptions & { readonly undo?: boolean }): Promise<void> {
  const { operations } = await connect(options);
  const deprecated = options.undo !== true;
  const version = await operations.deprecateVersion({ ...exact(target), deprecated, dryRun: isDry(options) });
  print(options, {
    schema: 'strata.version/v1',
    items: [version],
    id: (one) => one.version,
    columns: [
      ['VERSION', (one) => `${one.model}@${one.version}`],
      ['', (one) => (one.deprecated ? 'deprecated' : 'supported')],
    ],
  });
  sayDry(options);
}

function registerDeadLetters(program: Command): void {
  const dlq = program.command('dlq').description('messages that failed too often');
  const columns = [
    ['QUEUE', ({ queue }: { queue: string }) => queue],
    ['MESSAGES', ({ messages }: { messages: number }) => String(messages)],
  ] as const;
  withPlane(dlq.command('list').description('dead-letter queues and how many messages each holds'))
    .argument('[queue]', 'only this one, by its name or that of the queue that it belongs to')
    .action(async (queue: string | undefined, options: PlaneOptions) => {
      const { operations } = await connect(options);
      const all = (await operations.listDeadLetters({})).items;
      const items = queue === undefined ? all : all.filter((one) => isOf(one, queue));
      if (items.length === 0) throw noDeadLetters(queue ?? '', all);
      print(options, { schema: 'strata.dead-letters/v1', items, id: (one) => one.queue, columns });
    });
  withPlane(dlq.command('redrive').description('move messages back to where they failed; safe to repeat'))
    .argument('<queue>', 'as `dlq list` names it, or the queue that it belongs to')
    .option('--max <n>', 'at most so many', positive, 1000)
    .option(...DRY_RUN)
    .action(async (queue: string, options: MutationOptions & { readonly max: number }) => {
      const { operations } = await connect(options);
      const moved = await operations.redriveDeadLetters({ queue, max: options.max, dryRun: isDry(options) });
      print(options, { schema: 'strata.dead-letters/v1', items: [moved], id: (one) => String(one.messages), columns });
      sayDry(options);
    });
}

interface TokenOptions extends PlaneOptions {
  readonly valid: number;
  readonly uses: number;
}

/** By its own name, that of a queue which leads to it, or what stands before its ending. */
function isOf({ queue, sources }: { queue: string; sources: readonly string[] }, name: string): boolean {
  return queue === name || sources.includes(name) || queue.replace(/-dlq$/, '') === name;
}

function noDeadLetters(queue: string, all: readonly { readonly queue: string }[]): CliError {
  const known = all.map((one) => one.queue).join(', ');
  const message = `There is no dead-letter queue for ${queue}. There are: ${known}.`;
  return new CliError({ code: 'bad-reference', message, retryable: false });
}

async function runToken(hosts: HostPattern, options: TokenOptions): Promise<void> {
  const { operations } = await connect(options);
  const token = await operations.createJoinToken({ hosts, uses: options.uses, validMinutes: options.valid });
  print(options, {
    schema: 'strata.join-token/v1',
    items: [token],
    id: (one) => one.token,
    columns: [
      ['TOKEN', (one) => one.token],
      ['HOSTS', (one) => one.hosts],
      ['USES', ({ uses }) => String(uses)],
      ['EXPIRES', ({ expiresAt }) => new Date(expiresAt).toISOString()],
    ],
  });
  if (options.json !== true && options.quiet !== true) note('It is shown only now.');
}

function hostPattern(text: string): HostPattern {
  const hosts = HostPattern.safeParse(text);
  if (hosts.success) return hosts.data;
  throw new InvalidArgumentError('It is up to 40 lower-case letters, digits and hyphens, as in gpu-17 or gpu-*.');
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It is a whole number above zero.');
}
