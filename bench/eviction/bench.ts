import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { OBJECTIVES } from '../../lib/caching/index.ts';
import { ablate } from './ablation.ts';
import { compare } from './comparison.ts';
import { fitPrior, type PriorSource, readPrior, SHIPPED_PRIOR } from './fitPrior.ts';
import { measureLru, measureMemory } from './throughput.ts';
import { CUTS, readTrace, traceFiles } from './traces.ts';

/**
 * `npm run bench -- eviction [--traces FILE,DIR/] [--from 0.8] [--prior FILE] [--sizes 0.025,0.05,0.1] [--all] [--jobs N] [--json]`
 * `npm run bench -- eviction --ablation [--traces FILE] [--prior FILE] …`, `--throughput`
 * `npm run bench -- eviction --fit-prior DIFFUSION,BLOCK,BLOCK… [--until 0.8] [--out FILE]` fits the model's prior to the rows of
 * the first trace before `--until` and to the first half of the others; without options it rewrites the one that is shipped, from
 * all rows of the first. `--prior` judges with another one than that: on rows that the shipped one knows, it says nothing.
 *
 * For each trace, objective and size: `strata` (one configuration for all), the best online baseline, their ratio and the
 * offline bound; with `--all` every policy. `--from` starts cold at that share of each trace. Without `--traces` it runs on the cuts
 * of the tests, in seconds; a whole trace of 100,000 accesses takes a minute or more, and `--jobs` runs so many traces at once,
 * each in a process of its own.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      traces: { type: 'string', default: CUTS },
      from: { type: 'string', default: '0' },
      sizes: { type: 'string', default: '0.025,0.05,0.1' },
      ablation: { type: 'boolean', default: false },
      'fit-prior': { type: 'string' },
      until: { type: 'string', default: '1' },
      out: { type: 'string', default: SHIPPED_PRIOR },
      prior: { type: 'string' },
      throughput: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      jobs: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  });
  const report = values.json ? asJson : asText;
  if (values.throughput) {
    report({ kind: 'throughput', ...measureLru(5_000_000) });
    for (const row of measureMemory()) report({ kind: 'memory', ...row });
    return;
  }
  if (values['fit-prior'] !== undefined) {
    fitPrior(await priorSources(values['fit-prior'].split(','), Number(values.until)), values.out);
    return;
  }
  const sizes = values.sizes.split(',').map(Number);
  const files = traceFiles(values.traces.split(','));
  if (Number(values.jobs) > 1 && files.length > 1) return runEach(files, args, Number(values.jobs));
  const ours = values.prior === undefined ? {} : { prior: readPrior(values.prior) };
  for (const path of files) {
    const trace = await readTrace(path, Number(values.from));
    for (const objective of OBJECTIVES) {
      const context = { trace: trace.name, objective };
      if (values.ablation) {
        for (const { variant, ratios } of ablate(trace, sizes, objective, ours)) {
          report({ kind: 'ablation', ...context, variant, ...bySize(sizes, ratios) });
        }
      } else {
        for (const { policies, ...row } of compare(trace, sizes, objective, ours)) {
          report({ kind: 'comparison', ...context, ...row, ratio: row.strata / row.best });
          if (!values.all) continue;
          for (const [policy, missed] of policies)
            report({ kind: 'policy', ...context, size: row.size, policy, missed });
        }
      }
    }
  }
}

/** The same bench for each file by itself, in the order of the files. */
async function runEach(files: readonly string[], args: readonly string[], jobs: number): Promise<void> {
  const waiting = [...files.entries()];
  const outputs: string[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [at, file] = next;
      const main = fileURLToPath(new URL('../main.ts', import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, [
        main,
        'eviction',
        ...args,
        '--jobs',
        '1',
        '--traces',
        file,
      ]);
      outputs[at] = stdout;
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  process.stdout.write(outputs.join(''));
}

/** A fifth of the diffusion trace to a run, each from a cold start, as it is judged. */
const RUNS_OF_WHOLE = 5;

/** Parts of traces that the prior may know; what comes after them stays unseen, to judge it by. */
async function priorSources(paths: readonly string[], until: number): Promise<PriorSource[]> {
  const sources: PriorSource[] = [];
  for (const [index, path] of paths.entries()) {
    const trace = await readTrace(path, 0);
    sources.push(
      index === 0
        ? { trace, runs: Math.max(1, Math.round(RUNS_OF_WHOLE * until)), sizes: [0.02, 0.05, 0.12], keep: 1, until }
        : { trace, runs: 1, sizes: [0.025, 0.1], keep: 0.5, until: 0.5 },
    );
  }
  return sources;
}

type Row = Readonly<Record<string, string | number>>;

function bySize(sizes: readonly number[], ratios: readonly number[]): Row {
  return Object.fromEntries(sizes.map((size, index) => [`at ${size}`, ratios[index] ?? Number.NaN]));
}

function asJson(row: Row): void {
  console.log(JSON.stringify({ schema: 'strata.bench.eviction/v1', ...row }));
}

function asText(row: Row): void {
  const cells = Object.entries(row).filter(([name]) => name !== 'kind');
  console.log(cells.map(([name, value]) => `${name} ${shown(value)}`).join('  '));
}

function shown(value: string | number): string {
  return typeof value === 'string' || Number.isInteger(value) ? String(value) : value.toFixed(4);
}
