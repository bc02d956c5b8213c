import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';
import { CUTS, readTrace } from '../eviction/traces.ts';
import { measureDecisions } from './decisions.ts';
import { replayThroughAgent, scaled, simulatedMisses } from './replay.ts';

/**
 * `npm run bench -- eviction-agent [--trace FILE] [--from 0] [--rows 3000] [--sizes 0.025,0.05,0.1] [--scale 10000]`
 *
 * Replays a trace through the agent's store with real files, whose sizes are divided by `--scale`, and through the simulator:
 * the misses must be the same. Then what the policy takes for each decision. Exits with 1 where they differ.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      trace: { type: 'string', default: join(CUTS, 'genai.csv.gz') },
      from: { type: 'string', default: '0' },
      rows: { type: 'string', default: '3000' },
      sizes: { type: 'string', default: '0.025,0.05,0.1' },
      scale: { type: 'string', default: '10000' },
    },
  });
  const { batch, footprintBytes, name } = await readTrace(values.trace, Number(values.from));
  const rows = { ...batch, length: Math.min(batch.length, Number(values.rows)) };
  console.log(`${name}: ${rows.length} accesses, sizes ÷ ${values.scale}`);
  for (const size of values.sizes.split(',').map(Number)) {
    const trace = scaled(rows, footprintBytes, size, Number(values.scale));
    const folder = mkdtempSync(join(tmpdir(), 'strata-bench-eviction-'));
    try {
      const began = performance.now();
      const { misses, evictions, mostUsedBytes } = await replayThroughAgent(await createNodeDisk(folder), trace);
      const seconds = (performance.now() - began) / 1000;
      const simulated = simulatedMisses(trace);
      const ratio = (count: number): string => (count / rows.length).toFixed(4);
      console.log(
        `size ${size}  agent ${ratio(misses)} (${misses} misses)  simulator ${ratio(simulated)} (${simulated})  ` +
          `evictions ${evictions.length}  most used ${mostUsedBytes} of ${trace.capacityBytes} B  ${seconds.toFixed(1)} s`,
      );
      if (misses !== simulated) process.exitCode = 1;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const whole = scaled(batch, footprintBytes, 0.1, 1);
  for (const { what, residents, count, p50Us, p99Us, meanUs } of measureDecisions(whole)) {
    const times = `median ${p50Us.toFixed(1)} µs  99 % ${p99Us.toFixed(1)} µs  mean ${meanUs.toFixed(1)} µs`;
    console.log(`${what.padEnd(8)} ${String(count).padStart(6)} times, ${residents} residents:  ${times}`);
  }
}
