import type { Command } from 'commander';
import { inspectHost } from '../../lib/adapters/node/inspectHost.ts';
import { judgeHost } from '../../lib/operations/index.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { CliError, FindingsError } from '../errors.ts';
import { print } from '../output.ts';

interface DoctorOptions extends PlaneOptions {
  readonly store?: string;
  readonly plane?: string;
  readonly objects?: string;
}

/** Adds `doctor`: of the plane, or with `--store` of the host that it is run on. */
export function registerDoctor(program: Command): void {
  withPlane(program.command('doctor').description('check the plane, or this host; exit 1 when something fails'))
    .option('--store <dir>', 'check this machine as a GPU host with its store in this folder')
    .option('--plane <url>', 'with --store: the host API (STRATA_PLANE)')
    .option(
      '--objects <url>',
      'with --store: the bucket; without it that of STRATA_BUCKET in STRATA_REGION, and outside of AWS none, since the plane hands out objects',
    )
    .action(runDoctor);
}

async function runDoctor(options: DoctorOptions): Promise<void> {
  const items = options.store === undefined ? await planeChecks(options) : await hostChecks(options.store, options);
  print(options, {
    schema: 'strata.check/v1',
    items,
    id: ({ check, status }) => `${check} ${status}`,
    columns: [
      ['CHECK', ({ check }) => check],
      ['STATUS', ({ status }) => status],
      ['DETAIL', ({ detail }) => detail],
      ['FIX', ({ fix }) => fix ?? ''],
    ],
  });
  if (items.some(({ status }) => status === 'FAILED')) throw new FindingsError('a check failed');
}

async function planeChecks(options: DoctorOptions) {
  const { operations } = await connect(options);
  return (await operations.doctor({})).items;
}

async function hostChecks(folder: string, options: DoctorOptions) {
  const plane = options.plane ?? process.env['STRATA_PLANE'];
  if (plane === undefined) {
    const message = 'Name the plane that this host belongs to with --plane or STRATA_PLANE.';
    throw new CliError({ code: 'no-plane', message, retryable: false });
  }
  return judgeHost(await inspectHost({ folder, plane, objects: objectsOf(options), join: joinOf() }));
}

/** As the agent takes it from the same environment. */
function joinOf() {
  const { STRATA_JOIN_TOKEN: token, STRATA_JOIN_TOKEN_FILE: tokenFile, STRATA_RUNTIME: runtime } = process.env;
  return {
    byIdentity: runtime === 'aws' && token === undefined && tokenFile === undefined,
    ...(token === undefined ? {} : { token }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
  };
}

/** The SDK is loaded only where it is needed. */
async function bucketAt(bucket: string, region: string): Promise<string> {
  const { bucketUrl } = await import('../../lib/adapters/aws/bucketUrl.ts');
  return bucketUrl(bucket, region);
}

/** On AWS a host reads from the bucket itself. */
function objectsOf({ objects }: DoctorOptions) {
  const { STRATA_BUCKET: bucket, STRATA_REGION: region, STRATA_RUNTIME: runtime } = process.env;
  if (objects !== undefined) return async () => objects;
  if (bucket !== undefined && region !== undefined) return () => bucketAt(bucket, region);
  return runtime === 'aws' ? 'no-bucket' : 'by-plane';
}
