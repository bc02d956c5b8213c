import { parseArgs } from 'node:util';
import { FAULT_KINDS } from './faults.ts';
import { huntMutants, testMutants } from './hunt.ts';
import { chosenOf } from './mutation.ts';
import { runSeed } from './world.ts';

const USAGE = `npm run simulate -- [--seeds N] [--first S]   run N seeds from S on
npm run simulate -- --seed S [--trace]         replay one seed, every step with --trace
npm run simulate -- --mutants [--only id,id] [--seeds N] [--first S]   for each edited rule, hunt for the seed that notices
npm run simulate -- --test-mutants [--only id,id]   which edited rules the unit and contract tests notice
  --counters  print every decision, state edge and fault that was reached
  --json      one line of JSON at the end`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    only: { type: 'string' },
    trace: { type: 'boolean', default: false },
    counters: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    'test-mutants': { type: 'boolean', default: false },
    'stop-at-first': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** Of what each seed has some: the fewest, and all. */
class Tally {
  fewest = Number.POSITIVE_INFINITY;
  total = 0;
  private seeds = 0;

  add(number: number): void {
    this.fewest = Math.min(this.fewest, number);
    this.total += number;
    this.seeds += 1;
  }

  text(what: string): string {
    return this.seeds === 0
      ? `no ${what}`
      : `at least ${this.fewest} ${what} (mean ${Math.round(this.total / this.seeds)})`;
  }

  toJSON(): object {
    return { fewest: this.fewest, total: this.total };
  }
}

const only = values.only?.split(',');
if (values.help) console.log(USAGE);
else if (values.mutants)
  process.exitCode = (await huntMutants(chosenOf(only), values.seeds ?? '10000', values.first)) ? 0 : 1;
else if (values['test-mutants']) process.exitCode = (await testMutants(chosenOf(only))) ? 0 : 1;
else process.exitCode = (await runSeeds()) ? 0 : 1;

async function runSeeds(): Promise<boolean> {
  const first = Number(values.seed ?? values.first);
  const count = values.seed === undefined ? Number(values.seeds ?? '100') : 1;
  const started = performance.now();
  const totals = new Map<string, number>();
  const failures: string[] = [];
  const [deliveries, messages] = [new Tally(), new Tally()];
  let ran = 0;
  // Ctrl-C: what was run until now still counts.
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  for (let seed = first; seed < first + count && !stop.signal.aborted; seed += 1) {
    ran += 1;
    try {
      const result = await runSeed(seed, values.trace ? (line) => console.log(line) : undefined);
      deliveries.add(result.deliveries);
      messages.add(result.messages);
      for (const [name, number] of result.counters.counts) totals.set(name, (totals.get(name) ?? 0) + number);
    } catch (error) {
      failures.push(`seed ${seed}: ${describe(error)}`);
      if (!values.json) console.log(failures.at(-1));
      if (values['stop-at-first'] || failures.length >= 10) break;
    }
    if (process.stderr.isTTY && ran % 10 === 0)
      process.stderr.write(`\r${ran} of ${count} seeds, ${failures.length} failed`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r');
  const seconds = (performance.now() - started) / 1000;
  const cpu = process.cpuUsage().user / 1e6 / ran;
  const never = FAULT_KINDS.filter((kind) => !totals.has(`fault ${kind}`));
  if (values.counters) {
    for (const [name, number] of [...totals].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      console.log(`${String(number).padStart(8)}  ${name}`);
    }
  }
  if (values.json) {
    const summary = {
      schema: 'strata-simulation-2',
      first,
      seeds: ran,
      failures,
      deliveries,
      messages,
      seconds,
      never,
    };
    console.log(JSON.stringify({ ...summary, counters: Object.fromEntries(totals) }));
  } else {
    const counts = `${deliveries.text('deliveries a seed')}, of which ${messages.text('were messages')}`;
    console.log(
      `${ran} seeds, ${failures.length} failed, ${counts}, ${seconds.toFixed(1)} s, ${cpu.toFixed(2)} s of CPU a seed`,
    );
    if (never.length > 0 && ran > 1) console.log(`Faults that never happened: ${never.join(', ')}`);
  }
  return failures.length === 0;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` ← ${error.cause.stack ?? error.cause.message}` : '';
  return `${error.name}: ${error.message}${cause}`;
}
