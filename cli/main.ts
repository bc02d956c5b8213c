import { describeError, EXIT, exitCodeOf } from './errors.ts';
import { runCommand } from './program.ts';

const args = process.argv.slice(2);
process.on('SIGINT', () => process.exit(EXIT.cancelled));
// A reader that has seen enough closes the pipe; that is no failure.
process.stdout.on('error', (error) => {
  if ('code' in error && error.code === 'EPIPE') process.exit(EXIT.ok);
  process.stderr.write(describeError(error, args.includes('--json')));
  process.exit(exitCodeOf(error));
});

await runCommand(args);
