import * as z from 'zod/mini';
import { CorrelationId, Digest, FileRole, KeySegment, ModelKind, ModelName, SemVer } from '../../shared/ids.ts';
import { Bytes, EpochMs } from '../../shared/units.ts';
import { defineRow } from '../rowType.ts';

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
  withdrawn: z.optional(z.strictObject({ at: EpochMs, digest: Digest, reason: z.string() })),
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
