import { Command, CommanderError, InvalidArgumentError } from 'commander';
import packageFile from '../package.json' with { type: 'json' };
import { modulesFor } from './commands.ts';
import { describeError, describeUsage, exitCodeOf, FindingsError } from './errors.ts';

/** Runs one command of `strata`: results and errors on the process's streams, and its exit code where it is not 0. */
export async function runCommand(args: readonly string[]): Promise<void> {
  const json = args.includes('--json');
  const program = new Command('strata')
    .version(packageFile.version, '-V, --version', 'print the release')
    .description('where every byte of every model lives')
    .exitOverride()
    // Inherited by every command that is added below.
    .configureOutput({ outputError: (text, write) => write(describeUsage(text, json)) });
  program.addHelpText(
    'after',
    `
Exit codes: 0 done, 1 failed, findings, or not there, 2 usage (the command line, or a file that it names),
3 may succeed later, 4 credentials, 130 cancelled.
Results go to stdout; progress, notes and errors to stderr.`,
  );
  for (const { load } of modulesFor(args[0])) (await load())(program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    if (error instanceof InvalidArgumentError) {
      // The parser tells those that it catches itself, and throws another error then.
      process.stderr.write(describeUsage(error.message, json));
    } else if (!(error instanceof CommanderError || error instanceof FindingsError)) {
      process.stderr.write(describeError(error, json));
    }
  }
}
