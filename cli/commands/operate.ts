import type { Command } from 'commander';
import type { VolumeReport } from '../../events/host-heartbeat/v1.ts';
import { parseReference } from '../../lib/catalog/index.ts';
import { formatBytes } from '../../lib/shared/units.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { CliError } from '../errors.ts';
import { ago, print } from '../output.ts';
import { DRY_RUN, exact, isDry, type MutationOptions, sayDry } from './mutation.ts';

/** Adds the commands of operators: `hosts`, `alias`, `deprecate`. */
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
