import { readFileSync } from 'node:fs';
import type { Node } from 'constructs';
import { HOST_QUEUE_RETENTION_SECONDS } from '../functions/shared/declaration.ts';
import { decidingBookJson, whyRefused } from '../functions/shared/environment.ts';

/** What operators choose with `cdk deploy -c name=value` or in `cdk.json`. Everything has a default. */
export interface StrataSettings {
  /** Begins the name of every function, queue and stack; two deployments in one account and region differ in it. */
  readonly prefix: string;
  /** `retain` keeps bucket, table, key and secret when the stacks are deleted; `destroy` deletes all but a bucket that holds objects. */
  readonly teardown: 'retain' | 'destroy';
  readonly logRetentionDays: LogRetentionDays;
  /** Old versions of objects are deleted after so many days; until then a mistaken delete can be undone. */
  readonly noncurrentVersionDays: number;
  readonly maxUploadBytes: number;
  /** What may be served besides being clean, as JSON: `formats`, `licences`, `maxBytes`, `allowSuspicious`. */
  readonly scanPolicy: string;
  readonly heartbeatSeconds: number;
  readonly silentAfterSeconds: number;
  readonly commandTtlSeconds: number;
  /** ARNs of further roles whose sessions register as hosts by the session's name; only what names sessions truly may assume them. */
  readonly hostRoles: readonly string[];
  /** What decides which hosts hold a model; `dollars`: of those that subscribe, those on which it pays. */
  readonly placementPolicy: 'subscriptions' | 'dollars';
  /** `dry-run` decides and reports, `off` does nothing. */
  readonly tierSweep: SweepMode;
  /** What decides storage classes. */
  readonly tierPolicy: 'rules' | 'dollars' | 'lifecycle';
  /** Thresholds of the rule preset that differ from its own, as `name=value,…`. */
  readonly tierRules: string;
  /** Whether sweeps pack origins without loss; what is packed is unpacked before anybody reads it. */
  readonly tierPacking: SweepMode;
  /** What the rules pack: above so many bytes, and what gets smaller than so many percent of them. */
  readonly packAboveBytes: number;
  readonly packBelowPercent: number;
  /** Of one sweep: dollars that its moves may cost at most, and how many it sets going. */
  readonly sweepBudgetUsd: number;
  readonly sweepMostMoves: number;
  /** Of what hosts read: dollars that restores may cost in a day, and how many may begin in an hour. */
  readonly restoreBudgetUsdPerDay: number;
  readonly restoresPerHour: number;
  /** Thresholds of the lifecycle preset that differ from its own, as `name=value,…`. */
  readonly lifecycleRules: string;
  /** `on`: versions that the lifecycle preset would delete are deleted, at most so many and so many bytes by one sweep. */
  readonly lifecycleDeletes: 'on' | 'dry-run';
  readonly lifecycleMostDeletes: number;
  readonly lifecycleMostDeleteBytes: number;
  /** From so many blobs on a sweep goes over the bucket's inventory by a distributed map. */
  readonly sweepInventoryFrom: number;
  readonly orphanSweep: SweepMode;
  /** How long a version under `blobs/` that no row names must have been there, and then be condemned. */
  readonly orphanGraceHours: number;
  readonly uploadSweep: SweepMode;
  /** How long uploaded bytes stay after they were published. */
  readonly uploadGraceHours: number;
  /** How long uploaded bytes stay that no version got: refused ones, and files whose set was never completed. */
  readonly refusedKeepDays: number;
  /** How long nobody, the root user included, can remove a seal of the audit trail. Cannot be shortened for what is locked. */
  readonly auditRetentionDays: number;
  /** The origin of the provider’s price lists or of a mirror; empty: prices are not read from the network. */
  readonly priceLists: string;
  /** The book that decides in place of the region's, as JSON; empty where that decides. */
  readonly priceBook: string;
  /** Where alarms are sent besides the topic's other subscribers. */
  readonly alarmEmail: string | undefined;
}

const SWEEP_MODES = ['on', 'dry-run', 'off'] as const;
type SweepMode = (typeof SWEEP_MODES)[number];

const LOG_RETENTION_DAYS = [1, 3, 7, 14, 30, 60, 90, 180, 365] as const;
export type LogRetentionDays = (typeof LOG_RETENTION_DAYS)[number];

/** A report that is late, and one that is lost, must not make a host silent. */
const HEARTBEATS_UNTIL_SILENT = 3;
/** Of environments that hold 4,096 bytes: what is not an operator's own text takes up to 1,800. */
const MOST_TEXT_BYTES = 2_000;

const PREFIX_RULE =
  '-c prefix must be 1–16 lower-case letters, digits or single hyphens between them, begin with a letter, and have no part `host` after its first.';

export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

export function settingsOf(node: Node): StrataSettings {
  const known = new Set<string>();
  const text = (name: string, fallback: string): string => {
    known.add(name);
    const value: unknown = node.tryGetContext(name);
    if (value === undefined) return fallback;
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  const count = (name: string, fallback: number, smallest: number, largest: number): number => {
    const value = Number(text(name, String(fallback)));
    if (!Number.isSafeInteger(value) || value < smallest || value > largest) {
      throw new SettingsError(`-c ${name} must be a whole number from ${smallest} to ${largest}.`);
    }
    return value;
  };
  const sweepMode = (name: string, fallback: SweepMode = 'on'): SweepMode => {
    const mode = SWEEP_MODES.find((known) => known === text(name, fallback));
    if (mode === undefined) throw new SettingsError(`-c ${name} must be one of ${SWEEP_MODES.join(', ')}.`);
    return mode;
  };
  const prefix = text('prefix', 'strata');
  if (!/^[a-z][a-z0-9-]{0,15}$/.test(prefix)) throw new SettingsError(PREFIX_RULE);
  const teardown = text('teardown', 'retain');
  if (teardown !== 'retain' && teardown !== 'destroy') {
    throw new SettingsError('-c teardown must be retain or destroy.');
  }
  const days = Number(text('logRetentionDays', '30'));
  const logRetentionDays = LOG_RETENTION_DAYS.find((known) => known === days);
  if (logRetentionDays === undefined) {
    throw new SettingsError(`-c logRetentionDays must be one of ${LOG_RETENTION_DAYS.join(', ')}.`);
  }
  const hostRoles = text('hostRoles', '')
    .split(',')
    .filter((arn) => arn !== '');
  if (hostRoles.some((arn) => !/^arn:[a-z-]+:iam::\d{12}:role\/\S+$/.test(arn))) {
    throw new SettingsError('-c hostRoles must be ARNs of IAM roles, separated by commas.');
  }
  const tierPolicy = text('tierPolicy', 'rules');
  if (tierPolicy !== 'rules' && tierPolicy !== 'dollars' && tierPolicy !== 'lifecycle') {
    throw new SettingsError('-c tierPolicy must be rules, dollars or lifecycle.');
  }
  const placementPolicy = text('placementPolicy', 'subscriptions');
  if (placementPolicy !== 'subscriptions' && placementPolicy !== 'dollars') {
    throw new SettingsError('-c placementPolicy must be subscriptions or dollars.');
  }
  const thresholds = (name: string, variable: 'STRATA_TIER_RULES' | 'STRATA_LIFECYCLE_RULES'): string => {
    const rules = text(name, '');
    const wrong = whyRefused(variable, rules);
    if (wrong === undefined) return rules;
    throw new SettingsError(`-c ${name} must be name=number,… with the thresholds that differ. ${wrong}`);
  };
  const heartbeatSeconds = count('heartbeatSeconds', 30, 1, 3600);
  const lifecycleDeletes = text('lifecycleDeletes', 'dry-run');
  if (lifecycleDeletes !== 'on' && lifecycleDeletes !== 'dry-run') {
    throw new SettingsError('-c lifecycleDeletes must be on or dry-run.');
  }
  const alarmEmail = text('alarmEmail', '');
  if (alarmEmail !== '' && !/^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(alarmEmail)) {
    throw new SettingsError('-c alarmEmail must be one e-mail address, or empty.');
  }
  const settings: StrataSettings = {
    prefix,
    teardown,
    logRetentionDays,
    noncurrentVersionDays: count('noncurrentVersionDays', 30, 1, 3650),
    maxUploadBytes: count('maxUploadBytes', 500_000_000_000, 1, 50_000_000_000_000),
    scanPolicy: scanPolicyOf(text('scanPolicy', '{"allowSuspicious":false}')),
    heartbeatSeconds,
    silentAfterSeconds: count('silentAfterSeconds', 180, HEARTBEATS_UNTIL_SILENT * heartbeatSeconds, 86_400),
    commandTtlSeconds: count('commandTtlSeconds', 6 * 3600, 10, HOST_QUEUE_RETENTION_SECONDS),
    hostRoles,
    tierSweep: sweepMode('tierSweep'),
    placementPolicy,
    tierPolicy,
    tierRules: thresholds('tierRules', 'STRATA_TIER_RULES'),
    tierPacking: sweepMode('tierPacking', 'dry-run'),
    packAboveBytes: count('packAboveBytes', 100_000_000, 0, 50_000_000_000_000),
    packBelowPercent: count('packBelowPercent', 70, 0, 100),
    sweepBudgetUsd: count('sweepBudgetUsd', 1_000, 0, 1_000_000_000),
    sweepMostMoves: count('sweepMostMoves', 1_000_000, 0, 1_000_000_000),
    restoreBudgetUsdPerDay: count('restoreBudgetUsdPerDay', 1_000, 0, 1_000_000_000),
    restoresPerHour: count('restoresPerHour', 1_000, 0, 1_000_000_000),
    lifecycleRules: thresholds('lifecycleRules', 'STRATA_LIFECYCLE_RULES'),
    lifecycleDeletes,
    lifecycleMostDeletes: count('lifecycleMostDeletes', 100, 0, 1_000_000),
    lifecycleMostDeleteBytes: count('lifecycleMostDeleteBytes', 10_000_000_000_000, 0, Number.MAX_SAFE_INTEGER),
    sweepInventoryFrom: count('sweepInventoryFrom', 10_000_000, 0, 1_000_000_000_000),
    orphanSweep: sweepMode('orphanSweep'),
    orphanGraceHours: count('orphanGraceHours', 7 * 24, 24, 24 * 365),
    uploadSweep: sweepMode('uploadSweep'),
    uploadGraceHours: count('uploadGraceHours', 7 * 24, 1, 24 * 3650),
    refusedKeepDays: count('refusedKeepDays', 90, 1, 3650),
    auditRetentionDays: count('auditRetentionDays', 2557, 1, 36_500),
    priceLists: originOrNone(text('priceLists', 'https://pricing.us-east-1.amazonaws.com')),
    priceBook: bookOf(text('priceBook', '')),
    alarmEmail: alarmEmail === '' ? undefined : alarmEmail,
  };
  refuseUnknown(node, known);
  refuseTooMuchText(settings);
  return settings;
}

/**
 * Why nothing more may be deployed under a prefix that an older release took: hyphens make names that end or part otherwise than they should,
 * and what may be done to hosts' queues may be done to all that begins with PREFIX-host-. What is deployed under it can still be destroyed.
 */
export function whyNotDeployed({ prefix }: Pick<StrataSettings, 'prefix'>): string | undefined {
  const allowed = /^[a-z](-?[a-z0-9])*$/.test(prefix) && !/-host(-|$)/.test(prefix);
  return allowed ? undefined : PREFIX_RULE;
}

/** A setting that is misspelt would be one that is not made. Names of the CDK's own context are not of letters alone. */
function refuseUnknown(node: Node, known: ReadonlySet<string>): void {
  const context: Readonly<Record<string, unknown>> = node.getAllContext();
  const unknown = Object.keys(context).filter((name) => /^[A-Za-z]+$/.test(name) && !known.has(name));
  if (unknown.length === 0) return;
  throw new SettingsError(
    `There is no setting -c ${unknown.join(', -c ')}: docs/environment.md lists all. It stands on the command line, in cdk.json, cdk.context.json or ~/.cdk.json.`,
  );
}

/** Lambda would refuse the environments of all functions, in the midst of the deployment. */
function refuseTooMuchText(settings: StrataSettings): void {
  const { hostRoles, lifecycleRules, priceLists, scanPolicy, tierRules } = settings;
  const texts = [hostRoles.join(','), lifecycleRules, priceLists, scanPolicy, tierRules];
  // As the JSON of an environment has them, which is what Lambda measures.
  const bytes = texts.reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)), 0);
  if (bytes <= MOST_TEXT_BYTES) return;
  throw new SettingsError(
    `-c hostRoles, lifecycleRules, priceLists, scanPolicy and tierRules must have ${MOST_TEXT_BYTES} bytes of JSON together at most, and have ${bytes}: a function's environment holds 4 KB.`,
  );
}

/** As the functions would take it. */
function scanPolicyOf(text: string): string {
  const wrong = whyRefused('STRATA_SCAN_POLICY', text);
  if (wrong === undefined) return text;
  throw new SettingsError(
    `-c scanPolicy must be JSON with allowSuspicious (true or false) and, where wanted, formats, licences (lists) and maxBytes. ${wrong}`,
  );
}

function bookOf(file: string): string {
  if (file === '') return '';
  try {
    return decidingBookJson(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SettingsError(
      `-c priceBook must be the path of a price book that can decide. ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function originOrNone(text: string): string {
  const url = URL.parse(text);
  if (text === '' || (url?.protocol === 'https:' && url.username === '' && url.password === '')) return text;
  throw new SettingsError('-c priceLists must be an https:// origin, or empty.');
}
