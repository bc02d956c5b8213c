import type { Command } from '../../events/host-command/v1.ts';
import { createHostApiHandler } from '../../functions/host-api/handler.ts';
import { createFileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { createHostTokens } from '../../lib/adapters/embedded/hostTokens.ts';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { createSqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import {
  AliasRow,
  BlobRow,
  HostRow,
  ModelRow,
  ReferenceRow,
  VersionRow,
  type Blob,
  expectationOf,
} from '../../lib/catalog/index.ts';
import { createJoinToken, generateKeyPair, signEnvelope } from '../../lib/fleet/index.ts';
import { RESTORE_LIMITS } from '../../lib/restores/index.ts';
import { RULE_SET } from '../../lib/scanning/index.ts';
import { crc32cHex } from '../../lib/shared/crc32c/index.ts';
import { crc32cOf } from '../../lib/shared/crc32c/ofBytes.ts';
import { blobDigest, blobKey, manifestKey, partHash } from '../../lib/shared/digest.ts';
import {
  ActionId,
  CorrelationId,
  type Digest,
  Generation,
  type HostId,
  HostPattern,
  hostQueue,
  KeySegment,
  ModelName,
  originLocation,
  SemVer,
  type StorageClass,
} from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { SigningKey } from '../../lib/shared/ports/commandKeys.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';
import type { Random } from '../../lib/shared/ports/random.ts';
import { Bytes, EpochMs, HOUR_MS, MIB, MINUTE_MS } from '../../lib/shared/units.ts';
import { httpEvent } from '../../runtime/envelopes.ts';
import { testContext } from './envelopes.ts';
import type { PlaneCall } from './agentPlaneOver.ts';
import { silentTelemetry } from './silentTelemetry.ts';

/*
 * The part of a plane that an agent meets: the host API over the embedded catalog, queues, and a bucket with blobs in it. What
 * a test puts into it takes effect in the order of the calls, before the next call of an agent (`ready`).
 */
export const TINY = ModelName.parse('tiny');

export interface TestBlob {
  readonly digest: Digest;
  readonly size: Bytes;
  readonly bytes: Uint8Array;
}

export interface CommandOverrides {
  readonly generation?: number;
  readonly host?: HostId;
  readonly ttlMs?: number;
  readonly issuedAt?: number;
  readonly actionId?: string;
  readonly key?: SigningKey;
}

export interface AgentPlaneOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Of the bucket. */
  readonly disk: Disk;
  readonly partSize: number;
}

export type TestPlane = ReturnType<typeof createAgentPlane>;

/** In commands, which may be signed before the blob is written: each has one version here. */
const ONLY_VERSION = 'the-only-one';

export const REPORT_QUEUES = ['receipts', 'heartbeats', 'accesses'] as const;

export function createAgentPlane({ clock, random, disk, partSize }: AgentPlaneOptions) {
  const catalog = createSqliteCatalogStore(openDatabase(':memory:'));
  const queues = createSqliteQueues({ database: openDatabase(':memory:'), clock, random });
  for (const queue of REPORT_QUEUES) queues.define(queue);
  const planeKey = generateKeyPair('plane-1', random);
  const tokens = createHostTokens({ secret: 'test', clock });
  const opening = createFileObjectStore({
    disk,
    database: openDatabase(':memory:'),
    bucket: 'models',
    region: 'local',
    clock,
    random,
  });
  const settings = {
    ...RESTORE_LIMITS,
    priceRegion: 'us-east-1',
    heartbeatSeconds: 10,
    silentAfterMs: 10 * MINUTE_MS,
    agentRoleArns: [],
  };
  const handler = createHostApiHandler({
    clock,
    telemetry: silentTelemetry,
    catalog,
    queues,
    scanner: { rules: RULE_SET },
    commandKeys: { current: async () => planeKey, published: async () => [planeKey] },
    hostCredentials: tokens,
    settings,
  });
  let ready: Promise<unknown> = opening;
  const known = new Set<Digest>();
  const counters = { actions: 0, versions: 0 };

  function later(work: () => Promise<unknown>): void {
    ready = ready.then(work);
  }

  async function call({ path, body }: PlaneCall): Promise<{ readonly statusCode: number; readonly body: string }> {
    await ready;
    return handler(httpEvent({ method: 'POST', path, query: '', headers: {}, body }), testContext());
  }

  const reader: ObjectReader = {
    async head(key, versionId) {
      await ready;
      return (await opening).head(key, versionId);
    },
    async readRange(key, versionId, offset, length) {
      await ready;
      const found = versionId === ONLY_VERSION ? await (await opening).head(key) : undefined;
      const version = found?.outcome === 'found' ? found.head.versionId : versionId;
      return (await opening).readRange(key, version, offset, length);
    },
  };

  async function write(key: string, bytes: Uint8Array): Promise<string> {
    const objects = await opening;
    const written = await objects.upload(key, chunksOf(bytes));
    if (written.outcome !== 'written') throw new Error(`${key}: ${written.outcome}`);
    return written.versionId;
  }

  function addBlob(bytes: Uint8Array): TestBlob {
    const blob = blobOf(bytes, partSize);
    const { digest, size } = blob;
    if (known.has(digest)) return blob;
    known.add(digest);
    later(async () => {
      const versionId = await write(blobKey(digest), bytes);
      const pieces = cut(bytes, partSize);
      const sums = { parts: pieces.map(partHash), crc32c: pieces.map((piece) => crc32cHex(crc32cOf(piece))) };
      const manifest = { schema: 'strata-parts-1', digest, size, partSize, ...sums };
      await write(manifestKey(digest), Buffer.from(JSON.stringify(manifest)));
      await catalog.transact([BlobRow.put(blobRow(blob, partSize, versionId, clock.now()), 'absent')]);
    });
    return blob;
  }

  /** The next version of `tiny`, unless another is named; `reference` is an alias of it, or makes it the newest. */
  function publish(reference: string, files: Readonly<Record<string, TestBlob>>, number?: SemVer): void {
    const version = number ?? SemVer.parse(`1.0.${counters.versions}`);
    counters.versions += 1;
    later(async () => {
      const now = clock.now();
      const model = await ModelRow.get(catalog, TINY);
      const isAlias = /^[a-z]/.test(reference) && reference !== 'latest';
      const newest = isAlias ? (model?.value.newest ?? version) : version;
      await catalog.transact([
        ModelRow.put({ name: TINY, createdAt: now, updatedAt: now, versions: 1, newest }, expectationOf(model)),
        VersionRow.put({ ...versionRow(version, files), publishedAt: EpochMs.parse(1) }, 'absent'),
        ...Object.values(files).map(({ digest }) => ReferenceRow.put({ digest, model: TINY, version }, 'absent')),
        ...(isAlias ? [AliasRow.put({ model: TINY, alias: reference, version, updatedAt: now }, 'absent')] : []),
      ]);
    });
  }

  function prefetchOf(blob: Pick<TestBlob, 'digest' | 'size'>, file = 'model.safetensors'): Command {
    const name = { model: TINY, version: SemVer.parse('1.0.0'), file: KeySegment.parse(file) };
    return {
      type: 'prefetch',
      digest: blob.digest,
      size: blob.size,
      origin: { key: blobKey(blob.digest), versionId: ONLY_VERSION },
      entries: [{ ...name, kind: 'checkpoints', role: 'weights', publishedAt: EpochMs.parse(1) }],
    };
  }

  /** Signs a command for a host and puts it into its queue; overrides make it a bad one. */
  function command(host: HostId, generation: number, payload: Command, overrides: CommandOverrides = {}): ActionId {
    counters.actions += 1;
    const actionId = ActionId.parse(overrides.actionId ?? `a-${counters.actions}`);
    const issuedAt = EpochMs.parse(overrides.issuedAt ?? clock.now());
    const body = {
      schema: 'host-command/1' as const,
      actionId,
      host: overrides.host ?? host,
      generation: Generation.parse(overrides.generation ?? generation),
      issuedAt,
      expiresAt: EpochMs.parse(issuedAt + (overrides.ttlMs ?? HOUR_MS)),
      correlationId: CorrelationId.parse('c'),
      command: payload,
    };
    enqueue(host, generation, JSON.stringify(signEnvelope(body, overrides.key ?? planeKey)));
    return actionId;
  }

  function enqueue(host: HostId, generation: number, body: string): void {
    later(() => queues.send(hostQueue(host, Generation.parse(generation)), [{ body }]));
  }

  return {
    settings,
    catalog,
    queues,
    tokens,
    counters,
    reader,
    call,
    addBlob,
    publish,
    prefetchOf,
    command,
    enqueue,
    /** Resolves when everything that was put in is there. */
    ready: () => ready,
    replaceObject: (key: string, bytes: Uint8Array) => later(() => write(key, bytes)),
    removeObject: (key: string) =>
      later(async () => {
        const objects = await opening;
        const found = await objects.head(key);
        if (found.outcome === 'found') await objects.remove(key, found.head.versionId);
      }),
    host: async (id: HostId) => (await HostRow.get(catalog, id))?.value,
    /** Moves the blob's origin to a class; its bytes stay where they are. */
    setClass: (digest: Digest, storageClass: StorageClass) =>
      later(async () => {
        const row = await BlobRow.get(catalog, digest);
        if (row === undefined) throw new Error(`${digest} is not stored.`);
        const origin = { ...row.value.origin, storageClass, location: originLocation('local', storageClass) };
        await catalog.transact([BlobRow.put({ ...row.value, origin }, expectationOf(row))]);
      }),
    /** As after a day of silence: its generation is over. */
    retire: (id: HostId) =>
      later(async () => {
        const row = await HostRow.get(catalog, id);
        if (row === undefined) throw new Error(`${id} is not registered.`);
        await catalog.transact([HostRow.put({ ...row.value, state: 'retired' }, expectationOf(row))]);
      }),
    joinToken: async (hosts: string, uses = 1) =>
      (await createJoinToken({ catalog, clock, random }, { hosts: HostPattern.parse(hosts), uses, ttlMs: HOUR_MS }))
        .token,
  };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += MIB) yield bytes.subarray(at, at + MIB);
}

function cut(bytes: Uint8Array, partSize: number): readonly Uint8Array[] {
  const count = Math.ceil(bytes.length / partSize);
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * partSize, (at + 1) * partSize));
}

export function blobOf(bytes: Uint8Array, partSize: number): TestBlob {
  const size = Bytes.parse(bytes.length);
  return { digest: blobDigest(size, partSize, cut(bytes, partSize).map(partHash)), size, bytes };
}

function blobRow({ digest, size }: TestBlob, partSize: number, versionId: string, now: EpochMs): Blob {
  return {
    digest,
    size,
    partSize: Bytes.parse(partSize),
    findings: { status: 'clean', rules: RULE_SET, format: 'safetensors', kind: 'checkpoints', reasons: [] },
    createdAt: now,
    origin: {
      location: originLocation('local', 'STANDARD'),
      storageClass: 'STANDARD',
      versionId,
      billedSince: now,
    },
    tier: 'hot',
  };
}

function versionRow(version: SemVer, files: Readonly<Record<string, TestBlob>>) {
  return {
    model: TINY,
    version,
    files: Object.entries(files).map(([file, { digest, size }]) => ({
      file: KeySegment.parse(file),
      role: file.endsWith('.json') ? ('config' as const) : ('weights' as const),
      kind: 'checkpoints' as const,
      digest,
      size,
    })),
    correlationId: CorrelationId.parse('c'),
    deprecated: false,
  };
}
