import { Command, CommanderError } from 'commander';
import { StrataError } from '../lib/shared/errors.ts';

const EXIT_FATAL = 1;
const EXIT_USAGE = 2;

const program = new Command('strata').description('where every byte of every model lives').exitOverride();
const { registerSimulate } = await import('./commands/simulate.ts');
registerSimulate(program);
const { registerReplay } = await import('./commands/replay.ts');
registerReplay(program);
const { registerPrices } = await import('./commands/prices.ts');
registerPrices(program);
const { registerPlan } = await import('./commands/plan.ts');
registerPlan(program);
const { registerScan } = await import('./commands/scan.ts');
registerScan(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCode(error);
}

function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (!(error instanceof StrataError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  return EXIT_FATAL;
}
