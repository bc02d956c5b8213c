import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  CachingError,
  DEFAULT_MISS_WAIT,
  type PolicySpec,
  parsePolicySpec,
  pfooLowerBound,
} from '../../lib/caching/index.ts';
import { simulate } from '../eviction/comparison.ts';
import { type BenchTrace, readTrace } from '../eviction/traces.ts';
import { DIFFERENCES } from './differences.ts';

const BASELINE = 'baseline_missratio.csv';
/** LRU and GDSF must agree to so many digits. */
const DIGITS = 3;
const TRACES = [
  { name: 'genai_dev', file: 'genai_object_accesses_dev.csv.gz' },
  { name: 'tencent_ns3300', file: 'tencentBlock.ns3300.sample.csv.gz' },
  { name: 'cloudPhysicsIO', file: 'cloudPhysicsIO.csv.gz' },
];
const EXACT = ['lru', 'gdsf'];
const CLOSE = 0.02;

interface Row {
  readonly policy: string;
  readonly size: number;
  readonly object: number;
  readonly byte: number;
}

/**
 * `npm run bench -- eviction-agreement [--traces DIR]`
 *
 * Every policy beside the miss ratios that an independent C simulator (libCacheSim) gave, on its three traces and sizes:
 * `baseline_missratio.csv` and the traces are read from DIR and are not part of the repository. Exits with 1 where LRU or GDSF
 * differ in a digit that counts, or another policy by more than 2 % without a known reason.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { traces: { type: 'string', default: 'shared/traces' } } });
  const baseline = join(values.traces, BASELINE);
  if (!existsSync(baseline)) {
    console.log(`SKIPPED: there is no ${baseline}; --traces names the folder.`);
    return;
  }
  const rows = readFileSync(baseline, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  console.log('trace           policy         worst difference   verdict');
  for (const { name, file } of TRACES) {
    const path = join(values.traces, file);
    if (!existsSync(path)) {
      console.log(`${name.padEnd(15)} SKIPPED: there is no ${path}`);
      continue;
    }
    const theirs = rows.flatMap(([trace, size, policy, object, byte]): Row[] =>
      trace === name ? [{ policy: policy ?? '', size: Number(size), object: Number(object), byte: Number(byte) }] : [],
    );
    const trace = await readTrace(path, 0);
    for (const policy of new Set(theirs.map((row) => row.policy))) {
      compare(
        trace,
        policy,
        theirs.filter((row) => row.policy === policy),
        name,
      );
    }
  }
}

function compare(trace: BenchTrace, policy: string, theirs: readonly Row[], name: string): void {
  const ours = ratiosOf(
    trace,
    policy,
    theirs.map((row) => row.size),
  );
  const pairs = theirs.flatMap((row, at) => [
    [row.object, ours?.[at]?.objectMissRatio ?? Number.NaN] as const,
    [row.byte, ours?.[at]?.byteMissRatio ?? Number.NaN] as const,
  ]);
  const deviation = ([their, our]: readonly [number, number]): number => our / their - 1;
  const worst = pairs.map(deviation).reduce((most, one) => (Math.abs(one) > Math.abs(most) ? one : most), 0);
  const agrees = pairs.every(([their, our]) => Math.abs(their - our) < 0.5 * 10 ** -DIGITS);
  const verdict = ours === undefined ? 'not one of our policies' : judge(policy, worst, agrees);
  if (verdict.startsWith('DIFFERS')) process.exitCode = 1;
  const shown = ours === undefined ? '' : `${worst >= 0 ? '+' : ''}${(100 * worst).toFixed(2)} %`;
  console.log(`${name.padEnd(15)} ${policy.padEnd(14)} ${shown.padStart(10)}         ${verdict}`);
}

function judge(policy: string, worst: number, agrees: boolean): string {
  if (agrees) return `equal to ${DIGITS} digits`;
  if (EXACT.includes(policy)) return `DIFFERS in ${DIGITS} digits`;
  if (Math.abs(worst) <= CLOSE) return 'within 2 %';
  const known = DIFFERENCES[policy.split(':')[0]?.toLowerCase() ?? ''];
  return known !== undefined && Math.abs(worst) <= known.upTo
    ? `explained: ${known.why}`
    : 'DIFFERS without a known reason';
}

function ratiosOf(trace: BenchTrace, policy: string, sizes: readonly number[]) {
  if (policy === 'pfoo-l') {
    const capacitiesBytes = sizes.map((size) => Math.floor(size * trace.footprintBytes));
    return pfooLowerBound(trace.whole, { capacitiesBytes, wait: DEFAULT_MISS_WAIT });
  }
  const spec = specOf(policy);
  return spec && simulate(trace, [spec], sizes, 'object');
}

function specOf(policy: string): PolicySpec | undefined {
  try {
    return parsePolicySpec(policy);
  } catch (error) {
    if (error instanceof CachingError && error.code === 'unknown-policy') return undefined;
    throw error;
  }
}
