import { Argument, type Command } from 'commander';
import { commandTree } from '../completion/commandTree.ts';
import { completionScript, type Shell, SHELLS } from '../completion/scripts.ts';
import { type OutputOptions, print } from '../output.ts';

/** Adds `strata completion`. What it completes is everything that `program` has when it is asked. */
export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .description('print what completes commands and options in a shell: eval "$(strata completion bash)"')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .option('--json', 'one JSON object a line')
    .action((shell: Shell, options: OutputOptions) => {
      const script = completionScript(shell, commandTree(program));
      if (options.json !== true) process.stdout.write(script);
      else print(options, { schema: 'strata.completion/v1', items: [{ shell, script }], id: () => shell, columns: [] });
    });
}
