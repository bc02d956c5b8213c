import * as z from 'zod/mini';
import { CorrelationId, Digest, FileRole, KeySegment, ModelKind, ModelName, SemVer } from '../../shared/ids.ts';
import { Bytes, EpochMs } from '../../shared/units.ts';
import { defineRow, shardOf, sortableTime } from '../rowType.ts';

/** One row per model, for listing; versions are rows of their own. */
export const ModelValue = z.strictObject({
  name: ModelName,
  createdAt: EpochMs,
  updatedAt: EpochMs,
  versions: z.number(),
  /** The highest published version that is no pre-release; a pre-release only where there is nothing else. */
  newest: SemVer,
});
export type Model = z.infer<typeof ModelValue>;

export const ModelRow = defineRow({
  name: 'model',
  schemaVersion: 1,
  schema: ModelValue,
  key: (name: ModelName) => ({ partition: `MODEL#${name}`, sort: 'META' }),
  keyOf: (value): [ModelName] => [value.name],
  index: (value) => ({ listing: { partition: 'MODELS', sort: value.name } }),
});

export const VersionFile = z.strictObject({
  file: KeySegment,
  role: FileRole,
  kind: ModelKind,
  digest: Digest,
  size: Bytes,
});
export type VersionFile = z.infer<typeof VersionFile>;

/** A published, immutable version. It exists only when all of its files are ready. */
export const VersionValue = z.strictObject({
  model: ModelName,
  version: SemVer,
  files: z.array(VersionFile).check(z.minLength(1)),
  /** The set that closed it; absent for a one-file version. */
  set: z.optional(z.string()),
  publishedAt: EpochMs,
  correlationId: CorrelationId,
  deprecated: z.boolean(),
  /** Its bytes were judged again and may no longer be served; `deprecated` as well, and undone by a later verdict. */
  withdrawn: z.optional(
    z.strictObject({ at: EpochMs, digest: Digest, reason: z.string(), wasDeprecated: z.boolean() }),
  ),
  /** A legal hold: nothing of the version is deleted or moved to another storage class while it stands. */
  hold: z.optional(z.strictObject({ reason: z.string().check(z.maxLength(1000)), since: EpochMs })),
  /** When an operator brought it back after its delete: from then on a policy looks at it as at a new one. */
  undoneAt: z.optional(EpochMs),
  /** Retention: the version cannot be deleted before this moment. */
  retainUntil: z.optional(EpochMs),
});
export type Version = z.infer<typeof VersionValue>;

export const VersionRow = defineRow({
  name: 'version',
  schemaVersion: 1,
  schema: VersionValue,
  key: (model: ModelName, version: SemVer) => ({ partition: `MODEL#${model}`, sort: `VERSION#${version}` }),
  keyOf: (value): [ModelName, SemVer] => [value.model, value.version],
});

/** `latest` is computed, never stored; every other alias is a row that promotion moves. */
export const AliasValue = z.strictObject({
  model: ModelName,
  alias: z.string().check(z.regex(/^[a-z][a-z0-9-]{0,63}$/)),
  version: SemVer,
  previous: z.optional(SemVer),
  updatedAt: EpochMs,
});
export type Alias = z.infer<typeof AliasValue>;

export const AliasRow = defineRow({
  name: 'alias',
  schemaVersion: 1,
  schema: AliasValue,
  key: (model: ModelName, alias: string) => ({ partition: `MODEL#${model}`, sort: `ALIAS#${alias}` }),
  keyOf: (value): [ModelName, string] => [value.model, value.alias],
});

export const TOMBSTONE_SHARDS = 8;

/**
 * A deleted version. deleted → gone (undone: the version is back) | purging → purged. It takes the version's row away in the same write,
 * so nobody resolves, serves or places it any more; its references keep the bytes until it is purged. A purged one stays for ever:
 * a version number is never used again.
 */
export const TombstoneState = z.enum(['deleted', 'purging', 'purged']);
export type TombstoneState = z.infer<typeof TombstoneState>;

export const TombstoneValue = z.strictObject({
  state: TombstoneState,
  /** As it was published. */
  content: VersionValue,
  deletedAt: EpochMs,
  /** Until then it can be undone; afterwards it is purged. */
  purgeAfter: EpochMs,
  correlationId: CorrelationId,
  purgedAt: z.optional(EpochMs),
  /** Bytes in the bucket that its purge freed; files that other versions share are not among them. */
  freedBytes: z.optional(Bytes),
  /** Its purge cannot end before a person has looked: the bucket has another object than was judged. Tried again from `retryAt` on. */
  stuck: z.optional(z.strictObject({ since: EpochMs, retryAt: EpochMs, digest: Digest, versionId: z.string() })),
});
export type Tombstone = z.infer<typeof TombstoneValue>;

export const TombstoneRow = defineRow({
  name: 'tombstone',
  schemaVersion: 1,
  schema: TombstoneValue,
  key: (model: ModelName, version: SemVer) => ({ partition: `MODEL#${model}`, sort: `TOMBSTONE#${version}` }),
  keyOf: (value): [ModelName, SemVer] => [value.content.model, value.content.version],
  index: (value) => {
    if (value.state === 'purged') return {};
    const name = `${value.content.model}@${value.content.version}`;
    const shard = shardOf(name, TOMBSTONE_SHARDS);
    return {
      due: {
        partition: `DUE#TOMBSTONE#${shard}`,
        sort: `${sortableTime(value.stuck?.retryAt ?? value.purgeAfter)}#${name}`,
      },
    };
  },
});

export const ServiceLevelTerms = z.strictObject({
  /** How often hosts open the model, all of its versions and all hosts together; their caches answer a part of it. */
  readsPerDay: z.optional(z.number().check(z.nonnegative())),
  /** Readers accept to wait so long for a restore; without it no version of the model is archived by dollars. */
  restoreToleranceMs: z.optional(z.number().check(z.nonnegative())),
  /** What idles while a restore is awaited, in dollars per hour. */
  waitingUsdPerHour: z.optional(z.number().check(z.nonnegative())),
});
export type ServiceLevelTerms = z.infer<typeof ServiceLevelTerms>;

/** Changes of a service level that its row remembers. */
export const SERVICE_LEVEL_CHANGES = 50;

/** What an operator knows or has promised about the reads of a model; placement believes it above what it learned. */
export const ServiceLevelValue = z.extend(ServiceLevelTerms, {
  model: ModelName,
  updatedAt: EpochMs,
  /** Who changed it to what, newest first. */
  changes: z.optional(
    z
      .array(z.strictObject({ at: EpochMs, by: z.string().check(z.maxLength(200)), terms: ServiceLevelTerms }))
      .check(z.maxLength(SERVICE_LEVEL_CHANGES)),
  ),
});
export type ServiceLevel = z.infer<typeof ServiceLevelValue>;

export const ServiceLevelRow = defineRow({
  name: 'service level',
  schemaVersion: 1,
  schema: ServiceLevelValue,
  key: (model: ModelName) => ({ partition: `MODEL#${model}`, sort: 'SERVICELEVEL' }),
  keyOf: (value): [ModelName] => [value.model],
  index: (value) => ({ listing: { partition: 'SERVICELEVELS', sort: value.model } }),
});
