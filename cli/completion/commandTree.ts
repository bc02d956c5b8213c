import type { Command, Option } from 'commander';

/** A command, or the program itself, as a shell completes it. */
export interface Completed {
  /** `` of the program, `/quarantine/release` of a command. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  /** What its arguments may be, where they are of a few words. */
  readonly values: readonly string[];
  readonly options: readonly CompletedOption[];
}

export interface CompletedOption {
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly values: readonly string[];
}

const HELP: CompletedOption = { flags: ['-h', '--help'], description: 'display help', takesValue: false, values: [] };

/** Everything below a command, and it first, as it is declared: nothing here names a command or an option. */
export function commandTree(command: Command, path = ''): readonly Completed[] {
  const below = command.commands.filter((one) => one.name() !== 'help');
  const own: Completed = {
    path,
    commands: below.map((one) => ({ name: one.name(), description: one.description() })),
    values: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    options: [...command.options.filter(({ hidden }) => !hidden).map(optionOf), HELP],
  };
  return [own, ...below.flatMap((one) => commandTree(one, `${path}/${one.name()}`))];
}

function optionOf({ short, long, description, required, optional, argChoices }: Option): CompletedOption {
  const flags = [short, long].flatMap((flag) => (flag === undefined || flag === null ? [] : [flag]));
  return { flags, description, takesValue: required || optional, values: argChoices ?? [] };
}
