import { type HostTier, hostTierPrice } from '../pricing/index.ts';
import type { Digest, Generation, HostId, ModelKind, ModelName, SemVer, StorageClass } from '../shared/ids.ts';
import { type Bytes, type EpochMs, HOUR_MS, MIB, Usd } from '../shared/units.ts';
import type { DemandForecast } from './demand.ts';
import { type FetchPath, missCost } from './missCost.ts';
import type { Rates } from './rates.ts';
import { isReadAtOnce } from './readAtOnce.ts';
import { keptAtFirstReadUsd, replicaSetCost } from './replicaSet.ts';

export interface PublishedFile {
  readonly digest: Digest;
  readonly bytes: Bytes;
  readonly kind: ModelKind;
  readonly storageClass: StorageClass;
  /** Its origin must be unpacked before anybody reads it. */
  readonly packed?: true | undefined;
}

export interface HostFacts {
  readonly id: HostId;
  readonly generation: Generation;
  readonly state: 'active' | 'draining' | 'silent' | 'fenced';
  readonly zone?: string | undefined;
  /** The GPU that waits for a miss; the policy's where absent. */
  readonly gpu?: string | undefined;
  /** It keeps what its first use fetches. Absent in receipts of before that was counted: there each use is a miss. */
  readonly keepsFetched?: true | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Model names that the host wants; a trailing `*` stands for any rest. */
  readonly subscriptions: readonly string[];
  readonly capacityBytes: Bytes;
  /** What can still be reserved: capacity less what is stored and what is reserved by fills under way. */
  readonly freeBytes: Bytes;
  readonly resident: ReadonlySet<Digest>;
  /** Fills that were commanded and have no receipt yet. */
  readonly filling: ReadonlySet<Digest>;
  /** Let go of by the host itself so lately that it is not fetched there for savings; only the dollar policy asks. */
  readonly paused?: ReadonlySet<Digest> | undefined;
}

export interface PlacementFacts {
  readonly model: ModelName;
  readonly version: SemVer;
  /** A host must carry every one of these labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly files: readonly PublishedFile[];
  readonly hosts: readonly HostFacts[];
  /** How often each host will want the model; only the dollar policy asks. */
  readonly demand?: ReadonlyMap<HostId, DemandForecast> | undefined;
}

/** The subscription preset: a subscribed host that has room holds the whole version. */
export interface SubscriptionPolicy {
  readonly kind: 'subscriptions';
  readonly version: string;
  /** Over what time NVMe space is rented in the dollars shown. */
  readonly horizonMs: number;
  /** What a miss would look like, for the dollars of not placing. */
  readonly fetch: FetchPath;
}

/** The dollar policy: a host holds what is expected to cost less there, NVMe rent against waits, over the horizon. */
export interface DollarPlacementPolicy extends Omit<SubscriptionPolicy, 'kind'> {
  readonly kind: 'dollars';
}

export type PlacementPolicy = SubscriptionPolicy | DollarPlacementPolicy;

export const SUBSCRIPTIONS: SubscriptionPolicy = {
  kind: 'subscriptions',
  version: 'subscriptions-1',
  horizonMs: 24 * HOUR_MS,
  fetch: {
    bytesPerSecond: 500 * MIB,
    firstByteMs: 100,
    partBytes: 8 * MIB,
    route: 'same-region',
    gpu: 'H100',
    gpusWaiting: 1,
  },
};

export const PLACEMENT_BY_DOLLARS: DollarPlacementPolicy = {
  ...SUBSCRIPTIONS,
  kind: 'dollars',
  version: 'placement-dollars-2',
};

export type PrefetchReason = 'subscribed' | 'expected-saving';

export type SkipReason =
  | 'already-resident'
  | 'already-filling'
  | 'host-not-active'
  | 'not-subscribed'
  | 'labels-differ'
  | 'source-archived'
  | 'no-room'
  | 'no-forecast'
  | 'no-expected-saving'
  | 'evicted-by-host';

export interface PlacementAlternative {
  readonly kind: 'prefetch' | 'none';
  /**
   * Prefetch: the fetch and the space over the horizon. None: one miss, with the GPU that waits for it. By dollars both are
   * expectations over the horizon, the waits included, and without a prefetch the first use fetches and the host keeps what it has.
   */
  readonly usd: Usd;
}

interface PlacementTarget {
  readonly host: HostId;
  readonly generation: Generation;
  readonly digest: Digest;
  readonly bytes: Bytes;
  readonly usd: Usd;
  readonly alternatives: readonly PlacementAlternative[];
}

/** What to do with one blob on one host. `usd` is what the chosen action costs. */
export type PlacementAction =
  | (PlacementTarget & { readonly kind: 'prefetch'; readonly reason: PrefetchReason })
  | (PlacementTarget & { readonly kind: 'none'; readonly reason: SkipReason });

export interface PlacementDecision {
  readonly model: ModelName;
  readonly version: SemVer;
  readonly policyVersion: string;
  readonly decidedAt: EpochMs;
  /** One for each host and distinct blob, in the order of the facts. */
  readonly actions: readonly PlacementAction[];
}

/**
 * Decides which hosts fetch a published version. A host gets all of its missing blobs or none, because half a version serves nobody.
 * Throws `PricingError` where the book lacks a price that the dollars need.
 */
export function decidePlacement(
  facts: PlacementFacts,
  policy: PlacementPolicy,
  rates: Rates,
  now: EpochMs,
): PlacementDecision {
  const files = [...new Map(facts.files.map((file) => [file.digest, file])).values()];
  return {
    model: facts.model,
    version: facts.version,
    policyVersion: policy.version,
    decidedAt: now,
    actions: facts.hosts.flatMap((host) => decideHost(facts, files, host, policy, rates)),
  };
}

function decideHost(
  facts: PlacementFacts,
  files: readonly PublishedFile[],
  host: HostFacts,
  policy: PlacementPolicy,
  rates: Rates,
): PlacementAction[] {
  const missing = files.filter((file) => !host.resident.has(file.digest) && !host.filling.has(file.digest));
  const demand = policy.kind === 'dollars' ? facts.demand?.get(host.id) : undefined;
  const priced = new Map(files.map((file) => [file.digest, alternativesOf(file, host, demand, policy, rates)]));
  const refusal =
    hostRefusal(facts, host, policy) ??
    versionRefusal(missing, host, rates) ??
    (policy.kind === 'dollars'
      ? (savingRefusal(
          missing.map((file) => priced.get(file.digest)),
          demand,
        ) ?? pauseRefusal(missing, host))
      : undefined);
  return files.map((file) => {
    const reason = host.resident.has(file.digest)
      ? 'already-resident'
      : host.filling.has(file.digest)
        ? 'already-filling'
        : refusal;
    return action(host, file, reason, policy, priced.get(file.digest) ?? []);
  });
}

function hostRefusal(facts: PlacementFacts, host: HostFacts, policy: PlacementPolicy): SkipReason | undefined {
  if (host.state !== 'active') return 'host-not-active';
  const wanted = policy.kind === 'dollars' || host.subscriptions.some((pattern) => subscribes(pattern, facts.model));
  if (!wanted) return 'not-subscribed';
  const differs = Object.entries(facts.labels).some(([label, value]) => host.labels[label] !== value);
  return differs ? 'labels-differ' : undefined;
}

function versionRefusal(missing: readonly PublishedFile[], host: HostFacts, rates: Rates): SkipReason | undefined {
  if (missing.some((file) => !isReadAtOnce(file, rates))) return 'source-archived';
  return missing.reduce((sum, file) => sum + file.bytes, 0) <= host.freeBytes ? undefined : 'no-room';
}

/** The files of a version come together, so their savings are added up. */
function savingRefusal(
  alternatives: readonly (readonly PlacementAlternative[] | undefined)[],
  demand: DemandForecast | undefined,
): SkipReason | undefined {
  if (demand === undefined) return 'no-forecast';
  const usdOf = (kind: PlacementAlternative['kind']): number =>
    alternatives.reduce((sum, some) => sum + (some?.find((one) => one.kind === kind)?.usd ?? 0), 0);
  return usdOf('prefetch') < usdOf('none') ? undefined : 'no-expected-saving';
}

/** Whether the host would let go of it again is no question of dollars: it knows what else it holds. */
function pauseRefusal(missing: readonly PublishedFile[], { paused }: HostFacts): SkipReason | undefined {
  return missing.some((file) => paused?.has(file.digest)) ? 'evicted-by-host' : undefined;
}

/** Whether a subscription pattern names the model: `sdxl-*` names `sdxl-base`, `sdxl` names only itself. */
export function subscribes(pattern: string, model: string): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model;
}

function action(
  host: HostFacts,
  file: PublishedFile,
  reason: SkipReason | undefined,
  policy: PlacementPolicy,
  alternatives: readonly PlacementAlternative[],
): PlacementAction {
  const held = reason === 'already-resident' || reason === 'already-filling';
  const target = {
    host: host.id,
    generation: host.generation,
    digest: file.digest,
    bytes: file.bytes,
    alternatives: held
      ? alternatives.map((one) => (one.kind === 'none' ? { ...one, usd: Usd.parse(0) } : one))
      : alternatives,
  };
  if (reason !== undefined) return { ...target, kind: 'none', reason, usd: Usd.parse(0) };
  const usd = alternatives.find((one) => one.kind === 'prefetch')?.usd ?? Usd.parse(0);
  return { ...target, kind: 'prefetch', reason: policy.kind === 'dollars' ? 'expected-saving' : 'subscribed', usd };
}

function alternativesOf(
  file: PublishedFile,
  { gpu, keepsFetched }: HostFacts,
  demand: DemandForecast | undefined,
  policy: PlacementPolicy,
  rates: Rates,
): PlacementAlternative[] {
  const path = { ...policy.fetch, gpu: gpu ?? policy.fetch.gpu };
  const fetchUsd = missCost(file, { ...path, gpusWaiting: 0 }, rates).usd;
  if (demand === undefined) {
    return [
      { kind: 'prefetch', usd: Usd.parse(fetchUsd + rentUsd(file.bytes, policy, rates)) },
      { kind: 'none', usd: missCost(file, path, rates).usd },
    ];
  }
  const set = { bytes: file.bytes, origin: { storageClass: file.storageClass, heldMs: 0, idleMs: 0 } };
  const expected = (hostTiers: readonly HostTier[]): Usd =>
    replicaSetCost({ ...set, hostTiers }, demand, policy.horizonMs, path, rates).usd;
  const none = keepsFetched ? keptAtFirstReadUsd(set, 'nvme', demand, policy.horizonMs, path, rates) : expected([]);
  return [
    { kind: 'prefetch', usd: Usd.parse(fetchUsd + expected(['nvme'])) },
    { kind: 'none', usd: none },
  ];
}

function rentUsd(bytes: number, policy: PlacementPolicy, rates: Rates): number {
  const { price, book } = hostTierPrice(rates.prices, 'nvme');
  return (bytes / book.gbBytes) * price.usdPerGbHour * (policy.horizonMs / HOUR_MS);
}
