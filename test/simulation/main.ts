import { parseArgs } from 'node:util';
import { runSeed } from './world.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    counters: { type: 'boolean', default: false },
  },
});

const first = Number(values.seed ?? values.first);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const started = performance.now();
let deliveries = 0;
let fewest = Number.POSITIVE_INFINITY;
const totals = new Map<string, number>();
let failures = 0;
for (let seed = first; seed < first + count; seed += 1) {
  try {
    const result = await runSeed(seed, values.trace ? (line) => console.log(line) : undefined);
    deliveries += result.deliveries;
    fewest = Math.min(fewest, result.deliveries);
    for (const [name, number] of result.counters.counts) totals.set(name, (totals.get(name) ?? 0) + number);
  } catch (error) {
    failures += 1;
    console.log(`seed ${seed}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
    if (error instanceof Error && error.cause !== undefined) console.log(error.cause);
    else if (values.seed !== undefined) console.log(error);
    if (failures >= 10) break;
  }
}
const seconds = (performance.now() - started) / 1000;
if (values.counters)
  for (const [name, number] of [...totals].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${String(number).padStart(8)}  ${name}`);
console.log(
  `${count} seeds, ${failures} failed, ${deliveries} deliveries (fewest ${fewest}), ${seconds.toFixed(1)} s, ${((seconds * 1000) / deliveries).toFixed(2)} ms a delivery`,
);
process.exitCode = failures === 0 ? 0 : 1;
