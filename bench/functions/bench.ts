import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as z from 'zod/mini';
import { FUNCTIONS } from '../../functions/index.ts';
import type { FunctionEnvironment } from '../../functions/shared/environment.ts';
import { bundleFunctions } from '../../infra/bundle.ts';
import { uploadToCached } from './latency.ts';

/** `npm run bench -- functions`: what each function's bundle weighs, how long it takes to load, and what the way of an upload costs. */

const RUNS = 7;
const AIM_BYTES = 1_000_000;

/** Names alone: loading a bundle parses its environment and opens no connection. */
const ENVIRONMENT: FunctionEnvironment & { readonly AWS_REGION: string } = {
  AWS_REGION: 'us-east-1',
  STRATA_BUCKET: 'bench',
  STRATA_PRICE_LISTS: '',
  STRATA_TABLE: 'bench',
  STRATA_QUEUE_URL_PREFIX: 'https://sqs.us-east-1.amazonaws.com/000000000000/bench-',
  STRATA_HOST_DEAD_LETTER_ARN: 'arn:aws:sqs:us-east-1:000000000000:bench-hosts-dlq',
  STRATA_HOST_ROLE_ARN: 'arn:aws:iam::000000000000:role/bench-host',
  STRATA_AGENT_ROLE_ARNS: 'arn:aws:iam::000000000000:role/bench-agent',
  STRATA_COMMAND_SECRET_ARN: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:bench',
  STRATA_MAX_UPLOAD_BYTES: '1000000000',
  STRATA_SCAN_POLICY: '{"allowSuspicious":false}',
  STRATA_HEARTBEAT_SECONDS: '30',
  STRATA_SILENT_AFTER_MS: '180000',
  STRATA_TIER_SWEEP: 'on',
  STRATA_TIER_POLICY: 'rules',
  STRATA_TIER_RULES: '',
  STRATA_TIER_PACKING: 'dry-run',
  STRATA_PACK_ABOVE_BYTES: '100000000',
  STRATA_PACK_BELOW_RATIO: '0.7',
  STRATA_SWEEP_BUDGET_USD: '1000',
  STRATA_PLACEMENT_POLICY: 'subscriptions',
  STRATA_LIFECYCLE_RULES: '',
  STRATA_LIFECYCLE_DELETES: 'dry-run',
  STRATA_LIFECYCLE_MOST_DELETES: '100',
  STRATA_LIFECYCLE_MOST_DELETE_BYTES: '10000000000000',
  STRATA_SWEEP_INVENTORY_FROM: '10000000',
  STRATA_SWEEP_STATE_MACHINE_ARN: 'arn:aws:states:eu-west-1:123456789012:stateMachine:strata-sweep-inventory-map',
  STRATA_SWEEP_MOST_MOVES: '1000000',
  STRATA_RESTORE_BUDGET_USD_PER_DAY: '1000',
  STRATA_RESTORES_PER_HOUR: '1000',
  STRATA_ORPHAN_SWEEP: 'on',
  STRATA_ORPHAN_GRACE_MS: '604800000',
  STRATA_UPLOAD_SWEEP: 'on',
  STRATA_UPLOAD_GRACE_MS: '604800000',
  STRATA_REFUSED_KEEP_MS: '7776000000',
  STRATA_AUDIT_BUCKET: 'audit',
  STRATA_AUDIT_RETENTION_MS: '1',
  STRATA_COMMAND_TTL_MS: '21600000',
};

const Loaded = z.strictObject({ ms: z.number(), handler: z.literal('function') });

/** Loads a bundle in a fresh process, as a cold start does, and measures the loading alone. */
const LOADER = `
  const started = performance.now();
  const { handler } = require(process.argv[1]);
  console.log(JSON.stringify({ ms: performance.now() - started, handler: typeof handler }));
`;

function loadMs(bundle: string): number {
  const child = spawnSync(process.execPath, ['-e', LOADER, bundle], {
    env: { ...ENVIRONMENT, AWS_LAMBDA_FUNCTION_NAME: 'bench' },
    encoding: 'utf8',
  });
  if (child.status !== 0) throw new Error(`${bundle} does not load: ${child.stderr}`);
  return Loaded.parse(JSON.parse(child.stdout)).ms;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'strata-bench-functions-'));
  try {
    bundleFunctions(
      FUNCTIONS.map(({ name }) => name),
      folder,
    );
    console.log(`function        minified   gzipped   load (median of ${RUNS}, Node ${process.version})`);
    for (const { name } of FUNCTIONS) {
      const bundle = join(folder, name, 'index.js');
      const bytes = statSync(bundle).size;
      const zipped = gzipSync(readFileSync(bundle)).length;
      const ms = median(Array.from({ length: RUNS }, () => loadMs(bundle)));
      const over = bytes > AIM_BYTES ? '  above the aim of 1 MB' : '';
      console.log(`${name.padEnd(14)} ${kb(bytes)} ${kb(zipped)}   ${ms.toFixed(0).padStart(4)} ms${over}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  await uploadToCached();
}

const kb = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`.padStart(9);
