import type { Command } from 'commander';
import { connect, withPlane } from '../connection/connect.ts';
import { print } from '../output.ts';
import { DRY_RUN, exact, isDry, modelOnly, type MutationOptions, sayDry } from './mutation.ts';

/** Adds the commands of operators: `alias`, `deprecate`. */
export function registerOperate(program: Command): void {
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
  const ofModel = [
    ['rollback', 'rollbackAlias', 'point an alias back at where it was before'],
    ['remove', 'removeAlias', 'take an alias away; what it points at stays'],
  ] as const;
  for (const [name, operation, text] of ofModel) {
    withPlane(alias.command(name).description(text))
      .argument('<name>')
      .argument('<alias>')
      .option(...DRY_RUN)
      .action(async (model: string, one: string, options: MutationOptions) => {
        const { operations } = await connect(options);
        const input = { model: modelOnly(model), alias: one, dryRun: isDry(options) };
        printAlias(options, await operations[operation](input));
      });
  }
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
