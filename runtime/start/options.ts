import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HostId } from '../../lib/shared/ids.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';
import { type Bytes, formatBytes, parseSize } from '../../lib/shared/units.ts';
import { PlacementPolicyName } from '../../lib/shared/placementPolicyName.ts';
import { ExpiryMode, SweepMode, TierPolicyName } from '../../lib/shared/sweepMode.ts';
import { isAwsRegion, type PriceBookFile, parseDecidingBook } from '../../lib/pricing/index.ts';
import { errorText } from '../../lib/shared/errors.ts';
import { parseLifecycleRules, parseTierRules } from '../../lib/placement/index.ts';
import { LIMIT_OPTIONS, LIMIT_USAGE, limitsOf, type Limits } from './limits.ts';
import { UsageError } from './usageError.ts';
import type { LifecycleRules, TierRules } from '../../lib/shared/tierSettings.ts';
import { OPEN_POLICY, parseScanPolicy, type ScanPolicy } from '../../lib/scanning/index.ts';

export interface StartOptions {
  readonly models: readonly string[];
  readonly data: string | undefined;
  readonly once: boolean;
  readonly samples: boolean;
  readonly hosts: readonly HostId[];
  /** Bytes that each host may fill. */
  readonly capacityBytes: Bytes;
  readonly port: number;
  readonly sweeps: {
    readonly tierSweep: SweepMode;
    readonly tierPacking: SweepMode;
    readonly orphanSweep: SweepMode;
    readonly uploadSweep: SweepMode;
  };
  readonly policies: {
    readonly tierPolicy: TierPolicyName;
    readonly placementPolicy: PlacementPolicyName;
    readonly tierRules: TierRules;
    readonly lifecycleDeletes: ExpiryMode;
    readonly lifecycleRules: LifecycleRules;
  };
  readonly limits: Limits;
  readonly scanPolicy: ScanPolicy;
  /** An https origin that prices are read from every day, and the region that they are read of. */
  readonly prices: {
    readonly origin: string | undefined;
    readonly region: string;
    /** Decides in place of the region's. */
    readonly book: PriceBookFile | undefined;
  };
}

const DEFAULT_PORT = 7410;
const MOST_HOSTS = 8;

export const USAGE = `npm start -- [options]: Strata in one process on this machine, with its hosts' agents.

  --model FILE   push this file too (safetensors or GGUF); may be repeated
  --data DIR     keep everything in DIR, also over restarts; default: a temporary folder that is removed at the end
  --port N       of the endpoint on loopback; 0 takes a free one; default ${DEFAULT_PORT}, with --once a free one
  --tier-sweep MODE, --orphan-sweep MODE, --upload-sweep MODE
                 on, dry-run (decide and report) or off: of what moves and deletes by itself; default on
  --tier-packing MODE  whether that packs what nobody reads, and has the next reader wait; default dry-run
  --tier-policy NAME  what decides storage classes: rules, dollars or lifecycle; default rules
  --tier-rules TEXT  thresholds of the rules that differ, as archiveAgeDays=1095,warmPerDay=0.2
  --lifecycle-deletes MODE  on or dry-run (default): of versions that the lifecycle policy would delete
  --lifecycle-rules TEXT  its thresholds that differ, as deleteAfterIdleDays=180,coldAfterIdleDays=60
${LIMIT_USAGE}  --placement-policy NAME  what decides which hosts fetch ahead of use: subscriptions or dollars; default subscriptions
  --scan-policy JSON  what a verdict means, as {"allowSuspicious":false,"formats":["safetensors"]}; default: STRATA_SCAN_POLICY
  --prices FILE  the price book that decides, as of your own disks; default: STRATA_PRICE_BOOK, or AWS's of the region
  --price-region R  the region of AWS whose prices count; default us-east-1
  --price-lists URL  read them there every day, as from https://pricing.us-east-1.amazonaws.com; default: never
  --hosts N      how many hosts beside it, to try it with, 0 to ${MOST_HOSTS}; default 2
  --capacity SIZE  bytes that each host may fill, as in 500GB or 450GiB; default 4GB;
                 more than the volume of DIR has for all hosts is refused
  --no-samples   push no sample models
  --once         push, check every result, stop; exit 0 when all of it is right, else 1
`;

export function parseOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): StartOptions | 'help' {
  const values = read(args);
  if (values.help === true) return 'help';
  const once = values.once === true;
  const port = Number(values.port ?? (once ? 0 : DEFAULT_PORT));
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError('--port is a number from 0 to 65535.');
  const sweeps = {
    tierSweep: mode(values, 'tier-sweep', 'on'),
    tierPacking: mode(values, 'tier-packing', 'dry-run'),
    orphanSweep: mode(values, 'orphan-sweep', 'on'),
    uploadSweep: mode(values, 'upload-sweep', 'on'),
  };
  const policies = {
    tierPolicy: oneOf(values, 'tier-policy', TierPolicyName.options, 'rules'),
    placementPolicy: oneOf(values, 'placement-policy', PlacementPolicyName.options, 'subscriptions'),
    lifecycleDeletes: oneOf(values, 'lifecycle-deletes', ExpiryMode.options, 'dry-run'),
    tierRules: thresholds(values, 'tier-rules', parseTierRules),
    lifecycleRules: thresholds(values, 'lifecycle-rules', parseLifecycleRules),
  };
  const scanPolicy = policyOf(values['scan-policy'] ?? environment['STRATA_SCAN_POLICY']);
  const models = (values.model ?? []).map(modelFile);
  const samples = values['no-samples'] !== true;
  if (once && !samples && models.length === 0)
    throw new UsageError('--once --no-samples checks nothing; add --model FILE.');
  const hosts = hostsOf(values.hosts ?? '2');
  if (once && hosts.length === 0) throw new UsageError('--once checks what hosts hold; it needs --hosts 1 at least.');
  const { data } = values;
  if (data === '') throw new UsageError('--data names a folder; without it one is made that is removed at the end.');
  return {
    models,
    data,
    once,
    port,
    sweeps,
    policies,
    limits: limitsOf(values),
    scanPolicy,
    prices: {
      origin: originOf(values['price-lists']),
      region: regionOf(values['price-region'] ?? 'us-east-1'),
      book: bookOf(values.prices ?? environment['STRATA_PRICE_BOOK']),
    },
    samples,
    hosts,
    capacityBytes: capacityOf(values.capacity, hosts.length, data ?? tmpdir()),
  };
}

/** Checked before anything is started: a path that is wrong is told at once. */
function modelFile(path: string): string {
  try {
    accessSync(path, constants.R_OK);
    if (statSync(path).isFile()) return path;
  } catch (error) {
    throw new UsageError(`--model ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new UsageError(`--model ${path} is no file. Name one safetensors or GGUF file.`);
}

function hostsOf(text: string): readonly HostId[] {
  const count = Number(text);
  if (text === '' || !Number.isInteger(count) || count < 0 || count > MOST_HOSTS) {
    throw new UsageError(`--hosts is a number from 0 to ${MOST_HOSTS}.`);
  }
  return Array.from({ length: count }, (_, at) => HostId.parse(`host-${String.fromCharCode(97 + at)}`));
}

/** Hosts share the volume of the data folder. The default is not measured against it: what does not fit, their agents leave out. */
function capacityOf(text: string | undefined, hosts: number, folder: string): Bytes {
  const bytes = parseSize(text ?? '4GB');
  if (bytes === undefined || bytes === 0)
    throw new UsageError(`--capacity: ${text} is no size; write 500GB or 450GiB.`);
  if (text === undefined || hosts === 0) return bytes;
  const { blocks, bsize } = statfsSync(nearestThere(resolve(folder)));
  const most = Math.floor((blocks * bsize) / hosts);
  if (bytes <= most) return bytes;
  const room = `the volume of ${folder} has ${formatBytes(blocks * bsize)} in all`;
  throw new UsageError(
    `--capacity: ${text} for each of ${formatCount(hosts, 'host')} is more than there is: ${room}; ${formatBytes(most)} for each is the most.`,
  );
}

function nearestThere(path: string): string {
  return existsSync(path) ? path : nearestThere(dirname(path));
}

function mode(
  values: ReturnType<typeof read>,
  name: 'tier-sweep' | 'tier-packing' | 'orphan-sweep' | 'upload-sweep',
  fallback: SweepMode,
): SweepMode {
  const parsed = SweepMode.safeParse(values[name] ?? fallback);
  if (!parsed.success) throw new UsageError(`--${name} is one of ${SweepMode.options.join(', ')}.`);
  return parsed.data;
}

function oneOf<Name extends string>(
  values: ReturnType<typeof read>,
  flag: 'tier-policy' | 'placement-policy' | 'lifecycle-deletes',
  names: readonly Name[],
  fallback: Name,
): Name {
  const given = values[flag] ?? fallback;
  const name = names.find((one) => one === given);
  if (name === undefined) throw new UsageError(`--${flag} is one of ${names.join(', ')}.`);
  return name;
}

function bookOf(file: string | undefined): PriceBookFile | undefined {
  if (file === undefined || file === '') return undefined;
  try {
    return parseDecidingBook(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new UsageError(`--prices ${file}: ${errorText(error)}`);
  }
}

function originOf(text: string | undefined): string | undefined {
  const url = URL.parse(text ?? 'https://none');
  if (url?.protocol === 'https:' && url.username === '' && url.password === '') return text;
  throw new UsageError('--price-lists is an https:// origin, without a user.');
}

function regionOf(region: string): string {
  if (isAwsRegion(region)) return region;
  throw new UsageError(`--price-region: ${region} is no region of AWS.`);
}

function policyOf(text: string | undefined): ScanPolicy {
  try {
    return text === undefined ? OPEN_POLICY : parseScanPolicy(text);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function thresholds<Rules>(
  values: ReturnType<typeof read>,
  flag: 'tier-rules' | 'lifecycle-rules',
  parse: (text: string) => Rules,
): Rules {
  try {
    return parse(values[flag] ?? '');
  } catch (error) {
    throw new UsageError(`--${flag}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        model: { type: 'string', multiple: true },
        data: { type: 'string' },
        port: { type: 'string' },
        'tier-sweep': { type: 'string' },
        'tier-packing': { type: 'string' },
        'orphan-sweep': { type: 'string' },
        'upload-sweep': { type: 'string' },
        'tier-policy': { type: 'string' },
        'placement-policy': { type: 'string' },
        'tier-rules': { type: 'string' },
        'lifecycle-deletes': { type: 'string' },
        'lifecycle-rules': { type: 'string' },
        ...LIMIT_OPTIONS,
        'scan-policy': { type: 'string' },
        prices: { type: 'string' },
        'price-lists': { type: 'string' },
        'price-region': { type: 'string' },
        hosts: { type: 'string' },
        capacity: { type: 'string' },
        'no-samples': { type: 'boolean' },
        once: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
