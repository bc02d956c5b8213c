import { isMainThread } from 'node:worker_threads';

/*
 * Loaded before an agent (`--import`): each SIGUSR2 lets its wall clock jump by the next of `STRATA_TEST_CLOCK_JUMPS`
 * (milliseconds, with commas in between). The machine's own clock stays as it is, which other tests run by.
 */
const jumps = (process.env['STRATA_TEST_CLOCK_JUMPS'] ?? '').split(',').map(Number);
const SystemDate = Date;
let ahead = 0;

class JumpingDate extends SystemDate {
  constructor(...args: readonly [] | ConstructorParameters<DateConstructor>) {
    if (args.length === 0) super(SystemDate.now() + ahead);
    else super(...args);
  }
  static override now(): number {
    return SystemDate.now() + ahead;
  }
}

Object.assign(globalThis, { Date: JumpingDate });
if (isMainThread) {
  process.on('SIGUSR2', () => {
    ahead += jumps.shift() ?? 0;
    process.stdout.write('The clock has jumped.\n');
  });
}
