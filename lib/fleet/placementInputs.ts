import * as z from 'zod/mini';
import type { Blob, Host, Replica } from '../catalog/index.ts';
import {
  decidePlacement,
  type DemandForecast,
  type HostFacts,
  type PlacementAction,
  type PlacementFacts,
  type PlacementPolicy,
  type PublishedFile,
  type Rates,
} from '../placement/index.ts';
import type { Json } from '../shared/canonicalJson.ts';
import { Digest, Generation, HostId, ModelKind, ModelName, SemVer, StorageClass } from '../shared/ids.ts';
import { Bytes, EpochMs } from '../shared/units.ts';
import type { ServableVersion } from './servable.ts';

/** Bytes that may still be promised: what is stored, promised and under way is taken off, and the volume's own free space caps it. */
export function freeBytes(host: Host): Bytes {
  const budget = host.capacityBytes - host.usedBytes - Math.max(host.promisedBytes, host.reservedBytes);
  const volume = host.volumeFreeBytes - Math.max(0, host.promisedBytes - host.reservedBytes);
  return Bytes.parse(Math.max(0, Math.min(budget, volume)));
}

const GPU_LABEL = 'gpu';

/** The GPU that a host says it has, where it has a price; else the one that the policy goes by. */
export function gpuOf({ labels }: Pick<Host, 'labels'>, policy: PlacementPolicy, rates: Rates): string {
  const told = labels[GPU_LABEL];
  return told !== undefined && rates.prices.books.some((book) => Object.hasOwn(book.gpus, told))
    ? told
    : policy.fetch.gpu;
}

/** What placement is told of a host. Copies of an older generation, and of a host that has not reported yet, are no facts. */
export function hostFacts(host: Host, replicas: readonly Replica[], gpu: string): HostFacts {
  const current = replicas.filter((replica) => replica.host?.generation === host.generation);
  const state = host.state === 'retired' ? 'fenced' : host.heartbeatSequence === 0 ? 'silent' : host.state;
  return {
    id: host.id,
    generation: host.generation,
    state,
    zone: host.zone,
    gpu,
    keepsFetched: true,
    labels: host.labels,
    subscriptions: host.subscriptions,
    capacityBytes: host.capacityBytes,
    freeBytes: freeBytes(host),
    resident: new Set(current.filter((one) => one.state === 'verified').map((one) => one.digest)),
    filling: new Set(current.filter((one) => one.state === 'reserved').map((one) => one.digest)),
  };
}

/** The facts of placing one version on one host. */
export function placementFacts(servable: ServableVersion, host: HostFacts, demand?: DemandForecast): PlacementFacts {
  const files = servable.version.files.flatMap((file) => {
    const blob = servable.blobs.get(file.digest)?.value;
    return blob === undefined ? [] : [publishedFile(file.digest, file.kind, blob)];
  });
  const { model, version } = servable.version;
  const wanted = demand === undefined ? {} : { demand: new Map([[host.id, demand]]) };
  return { model, version, labels: {}, files, hosts: [host], ...wanted };
}

function publishedFile(digest: Digest, kind: ModelKind, { size, origin }: Blob): PublishedFile {
  const { packed, storageClass } = origin;
  return { digest, bytes: size, kind, storageClass, ...(packed === undefined ? {} : { packed: true }) };
}

const amount = z.number().check(z.nonnegative());

const RecordedHost = z.strictObject({
  id: HostId,
  generation: Generation,
  state: z.enum(['active', 'draining', 'silent', 'fenced']),
  zone: z.optional(z.string()),
  gpu: z.optional(z.string()),
  keepsFetched: z.optional(z.literal(true)),
  labels: z.record(z.string(), z.string()),
  subscriptions: z.array(z.string()),
  capacityBytes: Bytes,
  freeBytes: Bytes,
  resident: z.array(Digest),
  filling: z.array(Digest),
});

const RecordedPlacement = z.strictObject({
  decision: z.literal('placement'),
  digest: Digest,
  model: ModelName,
  version: SemVer,
  labels: z.record(z.string(), z.string()),
  files: z.array(
    z.strictObject({
      digest: Digest,
      bytes: Bytes,
      kind: ModelKind,
      storageClass: StorageClass,
      packed: z.optional(z.literal(true)),
    }),
  ),
  host: RecordedHost,
  demand: z.optional(z.array(z.strictObject({ weight: amount, shape: amount, exposureMs: amount }))),
  now: EpochMs,
});

/** The facts as JSON, for the decision receipt of the action about `digest`. */
export function recordPlacement(facts: PlacementFacts, host: HostFacts, digest: Digest, now: EpochMs): Json {
  // What is paused there is not commanded, so that no action was decided by it.
  const { gpu, keepsFetched, paused: _, zone, ...rest } = host;
  const demand = facts.demand?.get(host.id);
  return {
    decision: 'placement',
    digest,
    model: facts.model,
    version: facts.version,
    labels: facts.labels,
    files: facts.files.map((file) => ({ ...file })),
    host: {
      ...rest,
      ...(zone === undefined ? {} : { zone }),
      ...(gpu === undefined ? {} : { gpu }),
      ...(keepsFetched === undefined ? {} : { keepsFetched }),
      resident: [...host.resident],
      filling: [...host.filling],
    },
    ...(demand === undefined ? {} : { demand: demand.components.map((one) => ({ ...one })) }),
    now,
  };
}

/**
 * Decides once more what a decision receipt says was decided: the same inputs, policy and prices give the same action.
 * `undefined` when the inputs are not those of a placement.
 */
export function replayPlacement(inputs: string, policy: PlacementPolicy, rates: Rates): PlacementAction | undefined {
  const parsed = RecordedPlacement.safeParse(JSON.parse(inputs));
  if (!parsed.success) return undefined;
  const { decision: _, demand: components, digest, now, host, ...facts } = parsed.data;
  const demand = components === undefined ? {} : { demand: new Map([[host.id, { components }]]) };
  const hosts = [{ ...host, resident: new Set(host.resident), filling: new Set(host.filling) }];
  const { actions } = decidePlacement({ ...facts, ...demand, hosts }, policy, rates, now);
  return actions.find((action) => action.digest === digest);
}
