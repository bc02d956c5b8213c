import * as z from 'zod/mini';
import { VolumeReport } from '../../../events/host-heartbeat/v1.ts';
import { Digest, Generation, HostId, HostPattern } from '../../shared/ids.ts';
import { Bytes, EpochMs } from '../../shared/units.ts';
import { defineRow, shardOf, sortableTime } from '../rowType.ts';

export const HOST_SHARDS = 8;

/**
 * active ⇄ silent (no heartbeat for a while) → retired (none for a day); active → draining → retired. Registering again makes any
 * of them active.
 */
export const HostState = z.enum(['active', 'draining', 'silent', 'retired']);
export type HostState = z.infer<typeof HostState>;

export const HostValue = z.strictObject({
  id: HostId,
  generation: Generation,
  state: HostState,
  publicKey: z.string(),
  protocol: z.number(),
  queue: z.string(),
  zone: z.optional(z.string()),
  labels: z.record(z.string(), z.string()),
  subscriptions: z.array(z.string()),
  capacityBytes: Bytes,
  /** Measured by the host: bytes of verified blobs, and what its own fills have reserved. */
  usedBytes: Bytes,
  reservedBytes: Bytes,
  /** Promised by the plane: the bytes of every reserved replica of this generation. */
  promisedBytes: Bytes,
  volumeFreeBytes: Bytes,
  /** Of a host with several. */
  volumes: z.optional(z.array(VolumeReport)),
  /** An operator asked for its drain, or it told of one: remembered while it is silent, over with its next registration. */
  drainAsked: z.optional(z.boolean()),
  /** By the host's clock: orders what heartbeats and receipts measured. */
  measuredAt: EpochMs,
  registeredAt: EpochMs,
  heartbeatAt: EpochMs,
  heartbeatSequence: z.number(),
  /** Past this moment without a heartbeat an active or draining host becomes silent, and a silent one retired. */
  dueAt: EpochMs,
});
export type Host = z.infer<typeof HostValue>;

export const HostRow = defineRow({
  name: 'host',
  schemaVersion: 1,
  schema: HostValue,
  key: (id: HostId) => ({ partition: `HOST#${id}`, sort: 'META' }),
  keyOf: (value): [HostId] => [value.id],
  index: (value) => {
    const shard = shardOf(value.id, HOST_SHARDS);
    const listing = { partition: `HOSTS#${shard}`, sort: value.id };
    if (value.state === 'retired') return { listing };
    return { listing, due: { partition: `DUE#HOST#${shard}`, sort: `${sortableTime(value.dueAt)}#${value.id}` } };
  },
});

/** That a host has let go of a blob by itself, and until when it is therefore not fetched there for savings. */
export const EvictionValue = z.strictObject({
  host: HostId,
  digest: Digest,
  /** How often it was asked for there, its fetches among them, by the host's count. */
  uses: z.int().check(z.nonnegative()),
  /** How often in a row it has left without a use since the time before. */
  rounds: z.int().check(z.positive()),
  /** The room that the host had then: of more it has said nothing. */
  capacityBytes: Bytes,
  pausedUntil: EpochMs,
  expiresAt: EpochMs,
});
export type Eviction = z.infer<typeof EvictionValue>;

export const EvictionRow = defineRow({
  name: 'eviction',
  schemaVersion: 1,
  schema: EvictionValue,
  key: (host: HostId, digest: Digest) => ({ partition: `HOST#${host}`, sort: `EVICTED#${digest}` }),
  keyOf: (value): [HostId, Digest] => [value.host, value.digest],
  expiresAt: (value) => value.expiresAt,
});

/** A right to register the hosts that `hosts` names, `uses` times in all; only the hash of the token is kept. */
export const JoinTokenValue = z.strictObject({
  tokenHash: z.string(),
  hosts: HostPattern,
  uses: z.number().check(z.int(), z.positive()),
  usedBy: z.array(HostId),
  expiresAt: EpochMs,
});
export type JoinToken = z.infer<typeof JoinTokenValue>;

export const JoinTokenRow = defineRow({
  name: 'join token',
  schemaVersion: 2,
  schema: JoinTokenValue,
  key: (tokenHash: string) => ({ partition: `JOINTOKEN#${tokenHash}`, sort: 'META' }),
  keyOf: (value): [string] => [value.tokenHash],
  index: (value) => ({
    listing: { partition: 'JOINTOKENS', sort: `${sortableTime(value.expiresAt)}#${value.tokenHash}` },
  }),
  expiresAt: (value) => value.expiresAt,
});
