import { runCommand } from '../../cli/program.ts';

/*
 * Commands of `strata`, one after the other in one process: each begins when nothing of those before it keeps the process
 * alive any more, which is when a process of its own would have ended. Tells its parent of each; ends at the first that stays.
 */
export interface EndOfCommand {
  readonly args: readonly string[];
  readonly code: number;
  /** What keeps the process alive, where it did for long. */
  readonly stays: false | readonly string[];
}

/** Less than idle connections are kept for. */
const STAYS_MS = 3_000;

const waiting: (readonly string[])[] = JSON.parse(process.argv[2] ?? '[]');
let current: readonly string[] | undefined;
let watch: NodeJS.Timeout | undefined;

function tell(stays: EndOfCommand['stays'], told: () => void = () => undefined): void {
  clearTimeout(watch);
  if (current === undefined) return;
  const end: EndOfCommand = { args: current, code: Number(process.exitCode ?? 0), stays };
  current = undefined;
  process.send?.(end, told);
}

async function run(args: readonly string[]): Promise<void> {
  process.exitCode = undefined;
  await runCommand(args);
  watch = setTimeout(() => tell(process.getActiveResourcesInfo(), () => process.exit()), STAYS_MS).unref();
}

process.on('beforeExit', () => {
  tell(false);
  current = waiting.shift();
  const args = current;
  if (args !== undefined) setImmediate(() => void run(args));
});
