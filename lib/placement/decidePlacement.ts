import { hostTierPrice } from '../pricing/index.ts';
import type { Digest, Generation, HostId, ModelKind, ModelName, SemVer, StorageClass } from '../shared/ids.ts';
import { type Bytes, type EpochMs, HOUR_MS, MIB, Usd } from '../shared/units.ts';
import { type FetchPath, missCost } from './missCost.ts';
import type { Rates } from './rates.ts';

export interface PublishedFile {
  readonly digest: Digest;
  readonly bytes: Bytes;
  readonly kind: ModelKind;
  readonly storageClass: StorageClass;
}

export interface HostFacts {
  readonly id: HostId;
  readonly generation: Generation;
  readonly state: 'active' | 'draining' | 'silent' | 'fenced';
  readonly zone?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Model names that the host wants; a trailing `*` stands for any rest. */
  readonly subscriptions: readonly string[];
  readonly capacityBytes: Bytes;
  /** What can still be reserved: capacity less what is stored and what is reserved by fills under way. */
  readonly freeBytes: Bytes;
  readonly resident: ReadonlySet<Digest>;
  /** Fills that were commanded and have no receipt yet. */
  readonly filling: ReadonlySet<Digest>;
}

export interface PlacementFacts {
  readonly model: ModelName;
  readonly version: SemVer;
  /** A host must carry every one of these labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly files: readonly PublishedFile[];
  readonly hosts: readonly HostFacts[];
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

export type SkipReason =
  | 'already-resident'
  | 'already-filling'
  | 'host-not-active'
  | 'not-subscribed'
  | 'labels-differ'
  | 'source-archived'
  | 'no-room';

export interface PlacementAlternative {
  readonly kind: 'prefetch' | 'none';
  /** Prefetch: the fetch and the space over the horizon. None: one miss, with the GPU that waits for it. */
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
  | (PlacementTarget & { readonly kind: 'prefetch'; readonly reason: 'subscribed' })
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
  policy: SubscriptionPolicy,
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
  policy: SubscriptionPolicy,
  rates: Rates,
): PlacementAction[] {
  const refusal = hostRefusal(facts, host);
  const missing = files.filter((file) => !host.resident.has(file.digest) && !host.filling.has(file.digest));
  const fits = missing.reduce((sum, file) => sum + file.bytes, 0) <= host.freeBytes;
  const archived = missing.some((file) => !rates.of(file.storageClass).instant);
  return files.map((file) => {
    const reason = host.resident.has(file.digest)
      ? 'already-resident'
      : host.filling.has(file.digest)
        ? 'already-filling'
        : (refusal ?? (archived ? 'source-archived' : fits ? undefined : 'no-room'));
    return action(host, file, reason, policy, rates);
  });
}

function hostRefusal(facts: PlacementFacts, host: HostFacts): SkipReason | undefined {
  if (host.state !== 'active') return 'host-not-active';
  if (!host.subscriptions.some((pattern) => subscribes(pattern, facts.model))) return 'not-subscribed';
  const differs = Object.entries(facts.labels).some(([label, value]) => host.labels[label] !== value);
  return differs ? 'labels-differ' : undefined;
}

/** Whether a subscription pattern names the model: `sdxl-*` names `sdxl-base`, `sdxl` names only itself. */
export function subscribes(pattern: string, model: string): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model;
}

function action(
  host: HostFacts,
  file: PublishedFile,
  reason: SkipReason | undefined,
  policy: SubscriptionPolicy,
  rates: Rates,
): PlacementAction {
  const prefetchUsd =
    missCost(file, { ...policy.fetch, gpusWaiting: 0 }, rates).usd + rentUsd(file.bytes, policy, rates);
  const missUsd = missCost(file, policy.fetch, rates).usd;
  const held = reason === 'already-resident' || reason === 'already-filling';
  const alternatives: PlacementAlternative[] = [
    { kind: 'prefetch', usd: Usd.parse(prefetchUsd) },
    { kind: 'none', usd: Usd.parse(held ? 0 : missUsd) },
  ];
  const target = { host: host.id, generation: host.generation, digest: file.digest, bytes: file.bytes, alternatives };
  if (reason === undefined) return { ...target, kind: 'prefetch', reason: 'subscribed', usd: Usd.parse(prefetchUsd) };
  return { ...target, kind: 'none', reason, usd: Usd.parse(0) };
}

function rentUsd(bytes: number, policy: SubscriptionPolicy, rates: Rates): number {
  const { price, book } = hostTierPrice(rates.prices, 'nvme');
  return (bytes / book.gbBytes) * price.usdPerGbHour * (policy.horizonMs / HOUR_MS);
}
