import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import { SUBSCRIPTIONS } from '../../lib/placement/index.ts';
import { PART_SIZE } from '../../lib/shared/digest.ts';
import { describeIssue } from '../../lib/shared/describeIssues.ts';
import { ContractError } from '../../lib/shared/errors.ts';
import { FIRST_VOLUME } from '../nvme/paths.ts';
import type { DiskTier } from '../nvme/volumes.ts';
import { HostId, VolumeName } from '../../lib/shared/ids.ts';
import { type Bytes, GIB, parseSize } from '../../lib/shared/units.ts';

/** Each setting is a flag and an environment variable (`--data` and `STRATA_DATA`); the flag goes first. */
const OPTIONS = {
  plane: 'URL of the plane’s host API',
  host: 'this host’s name in the fleet; needed but for aws without a join token, where it is the instance’s id',
  data: 'folder of the store, on the volume that it may use',
  runtime: 'embedded (npm start) or aws',
  capacity: 'most bytes that models may take, as in 500GB or 450GiB; default, and most: the volume less the headroom',
  headroom: 'bytes that stay free on the volume; default 1GiB',
  volumes:
    'further volumes, as in cold=ssd:/mnt/ssd/strata:8TB,fast=nvme:/nvme1/strata; default size: the volume less the headroom',
  'high-watermark': 'percent of what the store may take, above which it evicts ahead of need; default 98',
  'low-watermark': 'percent that it evicts down to then; default 95',
  'join-token': 'token that registers this host; on EC2 its role does that',
  'join-token-file': 'a file with that token',
  zone: 'where this host stands, for placement',
  labels: 'key=value,… for placement',
  subscriptions: 'models that this host wants, a trailing * allowed: sdxl*,flux-dev',
  'queue-url-prefix': 'aws: what stands before a queue’s name in its URL',
  bucket: 'aws: the bucket that holds blobs/',
  region: 'aws: its region',
  port: 'of the local API on loopback; 0 takes a free one, none listens on the socket only; default 7411',
  socket: 'path of the local API’s unix socket; default DATA/agent.sock',
  bandwidth: 'most bytes a second of all fetches together; default: no limit',
  gpu: 'whose waiting prices a miss, as in the price book, and the label gpu; default H100',
  'evict-by': 'what evictions weigh: the dollars of a miss or its wait; default dollars',
  'ssd-wear': 'dollars that a terabyte written takes off the life of an SSD volume; default 0.1',
  'idle-pause-seconds': 'longest pause between looks into an idle command queue; default 30',
  'part-size': 'of blobs; only for tests',
  'log-level': 'debug, info, warn or error; default info',
  'log-file': 'default: standard error',
} as const;
type Option = keyof typeof OPTIONS;

const Url = z
  .string()
  .check(z.refine((text) => URL.canParse(text) && /^https?:/.test(text), 'must be an http:// or https:// URL'));

const Settings = z.object({
  plane: Url,
  host: z.optional(HostId),
  data: z.string().check(z.minLength(1)),
  runtime: z._default(z.enum(['embedded', 'aws']), 'embedded'),
  zone: z.optional(z.string()),
  bucket: z.optional(z.string()),
  region: z.optional(z.string()),
  'queue-url-prefix': z.optional(Url),
  'join-token': z.optional(z.string()),
  'join-token-file': z.optional(z.string()),
  socket: z.optional(z.string()),
  gpu: z._default(z.string(), SUBSCRIPTIONS.fetch.gpu),
  'evict-by': z._default(z.enum(['dollars', 'wait']), 'dollars'),
  'log-level': z._default(z.enum(['debug', 'info', 'warn', 'error']), 'info'),
  'log-file': z.optional(z.string()),
});

export interface VolumeSettings {
  readonly name: VolumeName;
  readonly tier: DiskTier;
  readonly path: string;
  /** Undefined: the volume less the headroom. */
  readonly capacityBytes: Bytes | undefined;
}

export interface AgentSettings {
  readonly plane: string;
  /** Undefined: what IAM calls this process. */
  readonly host: HostId | undefined;
  readonly data: string;
  readonly runtime:
    | { readonly kind: 'embedded' }
    | { readonly kind: 'aws'; readonly bucket: string; readonly region: string; readonly queueUrlPrefix: string };
  readonly capacityBytes: Bytes | undefined;
  readonly headroomBytes: Bytes;
  readonly volumes: readonly VolumeSettings[];
  readonly watermarks: { readonly high: number; readonly low: number };
  readonly joinToken: string | undefined;
  readonly joinTokenFile: string | undefined;
  readonly zone: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly subscriptions: readonly string[];
  /** Undefined: no TCP. */
  readonly port: number | undefined;
  readonly socket: string | undefined;
  readonly bytesPerSecond: number;
  readonly gpu: string;
  readonly evictBy: 'dollars' | 'wait';
  readonly ssdWearUsdPerTb: number;
  readonly idlePauseMs: number;
  readonly partSize: number;
  readonly logLevel: string;
  readonly logFile: string | undefined;
  readonly exitWithParent: boolean;
}

export const USAGE = `strata agent: keeps models on this GPU host.\n\n${Object.entries(OPTIONS)
  .map(([name, text]) => `  --${name.padEnd(20)} ${text}`)
  .join('\n')}\n  --${'exit-with-parent'.padEnd(20)} stop when standard input closes\n`;

/** @throws ContractError `invalid-config`, naming the setting. */
export function parseSettings(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): AgentSettings {
  const { values, exitWithParent } = readFlags(args);
  const raw: Partial<Record<Option, string>> = {};
  for (const name of optionNames()) {
    const value = values[name] ?? environment[`STRATA_${name.toUpperCase().replaceAll('-', '_')}`];
    if (value !== undefined && value !== '') raw[name] = value;
  }
  const parsed = Settings.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = issue?.path.join() ?? '';
    const given = optionNames().some((one) => one === name && raw[one] !== undefined);
    throw invalid(
      !given ? `--${name} is needed.` : `--${name}: ${issue === undefined ? 'is not right' : describeIssue(issue)}`,
    );
  }
  const settings = parsed.data;
  const byIdentity = settings.runtime === 'aws' && settings['join-token'] === undefined;
  if (settings.host === undefined && !(byIdentity && settings['join-token-file'] === undefined)) {
    throw invalid('--host is needed.');
  }
  return {
    plane: settings.plane,
    host: settings.host,
    data: settings.data,
    runtime: runtimeOf(settings),
    capacityBytes: raw.capacity === undefined ? undefined : sizeOf('capacity', raw.capacity),
    headroomBytes: sizeOf('headroom', raw.headroom ?? String(GIB)),
    volumes: parseVolumes(raw.volumes ?? ''),
    watermarks: watermarksOf(raw['high-watermark'] ?? '98', raw['low-watermark'] ?? '95'),
    joinToken: settings['join-token'],
    joinTokenFile: settings['join-token-file'],
    zone: settings.zone,
    labels: { ...(raw.gpu === undefined ? {} : { gpu: raw.gpu }), ...parseLabels(raw.labels ?? '') },
    subscriptions: listOf(raw.subscriptions ?? ''),
    port: raw.port === 'none' ? undefined : parseCount('port', raw.port ?? '7411', 65_535),
    socket: settings.socket,
    bytesPerSecond: raw.bandwidth === undefined ? Number.POSITIVE_INFINITY : sizeOf('bandwidth', raw.bandwidth),
    gpu: settings.gpu,
    evictBy: settings['evict-by'],
    ssdWearUsdPerTb: parseUsd('ssd-wear', raw['ssd-wear'] ?? '0.1'),
    idlePauseMs: parseCount('idle-pause-seconds', raw['idle-pause-seconds'] ?? '30', 3600) * 1000,
    partSize: raw['part-size'] === undefined ? PART_SIZE : sizeOf('part-size', raw['part-size']),
    logLevel: settings['log-level'],
    logFile: settings['log-file'],
    exitWithParent,
  };
}

function optionNames(): Option[] {
  const isOption = (name: string): name is Option => name in OPTIONS;
  return Object.keys(OPTIONS).filter(isOption);
}

function readFlags(args: readonly string[]): { values: Partial<Record<string, string>>; exitWithParent: boolean } {
  const options = Object.fromEntries(optionNames().map((name) => [name, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { ...options, 'exit-with-parent': { type: 'boolean' } },
      strict: true,
    });
    const { 'exit-with-parent': exitWithParent, ...rest } = values;
    const texts = Object.entries(rest).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    return { values: Object.fromEntries(texts), exitWithParent: exitWithParent === true };
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
}

function runtimeOf(settings: z.infer<typeof Settings>): AgentSettings['runtime'] {
  if (settings.runtime === 'embedded') return { kind: 'embedded' };
  const { bucket, region, 'queue-url-prefix': queueUrlPrefix } = settings;
  if (bucket === undefined || region === undefined || queueUrlPrefix === undefined) {
    throw invalid('--runtime aws needs --bucket, --region and --queue-url-prefix; the deployment prints them.');
  }
  return { kind: 'aws', bucket, region, queueUrlPrefix };
}

function sizeOf(name: Option, text: string): Bytes {
  const bytes = parseSize(text);
  if (bytes === undefined) throw invalid(`--${name}: ${text} is no size; write 500GB or 450GiB.`);
  return bytes;
}

function parseCount(name: Option, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > most) throw invalid(`--${name}: a number from 0 to ${most}.`);
  return value;
}

function parseUsd(name: Option, text: string): number {
  const usd = Number(text);
  if (text.trim() === '' || !Number.isFinite(usd) || usd < 0) throw invalid(`--${name}: an amount in dollars, as 0.1.`);
  return usd;
}

function parseVolumes(text: string): VolumeSettings[] {
  const volumes = listOf(text).map((part): VolumeSettings => {
    const [, label, tier, path, size] = /^([^=]+)=(nvme|ssd):([^:]+)(?::([^:]+))?$/.exec(part) ?? [];
    const name = VolumeName.safeParse(label);
    if (!name.success || path === undefined || (tier !== 'nvme' && tier !== 'ssd')) {
      throw invalid(`--volumes: ${part} is not NAME=nvme:FOLDER or NAME=ssd:FOLDER, with :SIZE where wanted.`);
    }
    return { name: name.data, tier, path, capacityBytes: size === undefined ? undefined : sizeOf('volumes', size) };
  });
  const names = new Set(volumes.map(({ name }) => name));
  if (names.size < volumes.length || names.has(FIRST_VOLUME)) {
    throw invalid(`--volumes: each needs a name of its own; ${FIRST_VOLUME} is that of --data.`);
  }
  return volumes;
}

function watermarksOf(high: string, low: string): AgentSettings['watermarks'] {
  const shares = {
    high: parseCount('high-watermark', high, 100) / 100,
    low: parseCount('low-watermark', low, 100) / 100,
  };
  if (shares.low > shares.high) throw invalid('--low-watermark must not be above --high-watermark.');
  return shares;
}

function listOf(text: string): string[] {
  return text.split(',').filter((part) => part !== '');
}

function parseLabels(text: string): Record<string, string> {
  const pairs = listOf(text).map((part): [string, string] => {
    const at = part.indexOf('=');
    if (at < 1) throw invalid(`--labels: ${part} is not key=value.`);
    return [part.slice(0, at), part.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

export function invalid(message: string): ContractError {
  return new ContractError({ code: 'invalid-config', message, retryable: false });
}
