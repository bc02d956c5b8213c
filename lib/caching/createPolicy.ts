import { cachingError } from './errors.ts';
import { Belady, BeladySize } from './policies/belady.ts';
import { Fifo } from './policies/fifo.ts';
import { FrequencyBiasedLru } from './policies/frequencyBiasedLru.ts';
import { GreedyDual } from './policies/greedyDual.ts';
import { LeCar } from './policies/lecar.ts';
import { Lfu } from './policies/lfu.ts';
import { Lhd } from './policies/lhd.ts';
import { Lru } from './policies/lru.ts';
import { S3Fifo } from './policies/s3fifo.ts';
import { Sieve } from './policies/sieve.ts';
import { type TinyLfuAdmission, WTinyLfu } from './policies/wTinyLfu.ts';
import type { CachePolicy, PolicyLimits } from './policy.ts';
import type { TreesState } from './strata/boostedTrees.ts';
import shippedPrior from './strata/prior.json' with { type: 'json' };
import { StrataPolicy } from './strata/strataPolicy.ts';

interface PolicyKind {
  /** Offline policies read `Access.nextUse`, so they need the whole trace first. */
  readonly offline: boolean;
  /** The parameter after the colon (`s3-fifo:0.25`), if the policy has one; a share in (0, 1). */
  readonly defaultShare?: number;
  create(limits: PolicyLimits, name: string, share: number): CachePolicy;
}

function tinyLfu(admission: TinyLfuAdmission): PolicyKind {
  return {
    offline: false,
    defaultShare: 0.01,
    create: (limits, name, windowShare) => new WTinyLfu(limits, { name, windowShare, admission }),
  };
}

/** The policies that `strata` follows where they do better than its own estimates. */
const RIVALS: readonly ((limits: PolicyLimits) => CachePolicy)[] = [
  (limits) => new GreedyDual(limits, { name: 'gdsf-cost', worth: (access, bytes) => access.missCost / bytes }),
  (limits) => new WTinyLfu(limits, { name: 'w-tinylfu', windowShare: 0.01, admission: 'one-victim' }),
  (limits) => new S3Fifo(limits, { name: 's3-fifo', smallShare: 0.1 }),
];

const KINDS = {
  fifo: { offline: false, create: (limits) => new Fifo(limits) },
  lru: { offline: false, create: (limits) => new Lru(limits) },
  lfu: { offline: false, create: (limits) => new Lfu(limits) },
  'lfu-da': { offline: false, create: (limits, name) => new GreedyDual(limits, { name, worth: () => 1 }) },
  gdsf: { offline: false, create: (limits, name) => new GreedyDual(limits, { name, worth: (_, bytes) => 1 / bytes }) },
  'gdsf-cost': {
    offline: false,
    create: (limits, name) => new GreedyDual(limits, { name, worth: (access, bytes) => access.missCost / bytes }),
  },
  's3-fifo': {
    offline: false,
    defaultShare: 0.1,
    create: (limits, name, smallShare) => new S3Fifo(limits, { name, smallShare }),
  },
  sieve: { offline: false, create: (limits) => new Sieve(limits) },
  'w-tinylfu': tinyLfu('one-victim'),
  'w-tinylfu-av': tinyLfu('aggregated'),
  lecar: { offline: false, create: (limits) => new LeCar(limits) },
  lhd: { offline: false, create: (limits) => new Lhd(limits) },
  'lru-frequency-bias': {
    offline: false,
    defaultShare: 0.3,
    create: (limits, name, bias) => new FrequencyBiasedLru(limits, { name, bias }),
  },
  strata: { offline: false, create: (limits) => createStrata(limits) },
  belady: { offline: true, create: (limits) => new Belady(limits) },
  'belady-size': { offline: true, create: (limits) => new BeladySize(limits) },
} satisfies Record<string, PolicyKind>;

/** What a measurement changes of the shipped policy: another prior or none, features hidden from its model. */
export interface StrataVariant {
  readonly prior?: TreesState | 'none';
  readonly blank?: readonly number[];
}

export function createStrata(limits: PolicyLimits, variant: StrataVariant = {}): StrataPolicy {
  const { prior = shippedPrior, blank = [] } = variant;
  return new StrataPolicy(limits, { rivals: RIVALS, blank, ...(prior === 'none' ? {} : { prior }) });
}

/** A policy by name, ready to be created for many cache sizes. */
export interface PolicySpec {
  readonly name: string;
  readonly offline: boolean;
  create(limits: PolicyLimits): CachePolicy;
}

export const POLICY_NAMES: readonly string[] = Object.keys(KINDS);

const KIND_BY_NAME: ReadonlyMap<string, readonly [string, PolicyKind]> = new Map(
  Object.entries(KINDS).map(([name, kind]) => [plain(name), [name, kind]]),
);

/**
 * Reads `name` or `name:share` (`s3-fifo:0.25`); case and punctuation of the name don't matter.
 * @throws CachingError `unknown-policy` or `bad-policy-parameter`
 */
export function parsePolicySpec(text: string): PolicySpec {
  const [kindName = '', shareText] = text.trim().split(':', 2);
  const found = KIND_BY_NAME.get(plain(kindName));
  if (found === undefined) {
    throw cachingError('unknown-policy', `unknown policy ${text}; known: ${POLICY_NAMES.join(', ')}`);
  }
  const [canonical, kind] = found;
  const share = shareText === undefined ? (kind.defaultShare ?? 0) : Number(shareText);
  if (shareText !== undefined && (kind.defaultShare === undefined || !(share > 0 && share < 1))) {
    throw cachingError('bad-policy-parameter', `${text}: ${canonical} ${parameterRule(kind)}`);
  }
  const name = shareText === undefined ? canonical : `${canonical}:${share}`;
  return { name, offline: kind.offline, create: (limits) => kind.create(limits, name, share) };
}

function parameterRule(kind: PolicyKind): string {
  return kind.defaultShare === undefined ? 'takes no parameter' : 'takes a share between 0 and 1';
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}
