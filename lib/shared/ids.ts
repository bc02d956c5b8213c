import semver from 'semver';
import * as z from 'zod/mini';

/** Lower-case hex of the 32-byte blob digest (see `digest.ts`). */
export const Digest = z
  .string()
  .check(z.regex(/^[0-9a-f]{64}$/))
  .brand<'Digest'>();
export type Digest = z.infer<typeof Digest>;

const SEGMENT = /^(?!\.{1,2}$)[a-z0-9._-]{1,128}$/;

/** One segment of an upload key: `[a-z0-9._-]`, at most 128 characters, never a dot segment. */
export const KeySegment = z.string().check(z.regex(SEGMENT)).brand<'KeySegment'>();
export type KeySegment = z.infer<typeof KeySegment>;

export const ModelName = z.string().check(z.regex(SEGMENT)).brand<'ModelName'>();
export type ModelName = z.infer<typeof ModelName>;

/** A name that a model may still be given: those of earlier releases may begin with a dash, which commands take for an option. */
export const NewModelName = ModelName.check(z.regex(/^[^-]/));

/** A full semantic version without a leading `v` and without build metadata, in its normal form. */
export const SemVer = z
  .string()
  .check(
    z.maxLength(128),
    z.refine((text) => semver.valid(text) === text && /^[a-z0-9.-]+$/.test(text)),
  )
  .brand<'SemVer'>();
export type SemVer = z.infer<typeof SemVer>;

export const HostId = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9-]{0,39}$/))
  .brand<'HostId'>();
export type HostId = z.infer<typeof HostId>;

/** A volume of a host's store, as its operator names it. */
export const VolumeName = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9-]{0,19}$/))
  .brand<'VolumeName'>();
export type VolumeName = z.infer<typeof VolumeName>;

/** One host's name, or with a trailing `*` every name that begins so. */
export const HostPattern = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9-]{0,39}\*?$/))
  .brand<'HostPattern'>();
export type HostPattern = z.infer<typeof HostPattern>;

/** Grows by one at every registration of a host; what belongs to an older one is dead. */
export const Generation = z.number().check(z.int(), z.positive()).brand<'Generation'>();
export type Generation = z.infer<typeof Generation>;

/** The idempotency key of one decided effect. */
export const ActionId = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9:._-]{0,199}$/))
  .brand<'ActionId'>();
export type ActionId = z.infer<typeof ActionId>;

/** Joins all log lines and receipts that one outside cause led to. */
export const CorrelationId = z
  .string()
  .check(z.regex(/^[A-Za-z0-9._:-]{1,128}$/))
  .brand<'CorrelationId'>();
export type CorrelationId = z.infer<typeof CorrelationId>;

/**
 * Tier × place, as in `s3:eu-west-1:STANDARD`, `s3:eu-west-1:GLACIER_IR:packed` or `nvme:host-17`.
 * The tier is the text before the first colon.
 */
export const Location = z
  .string()
  .check(z.regex(/^(s3|nvme|ssd|ram|gpu):[A-Za-z0-9-]+(:[A-Z0-9_]+(:packed)?)?$/))
  .brand<'Location'>();
export type Location = z.infer<typeof Location>;

export const StorageClass = z.enum([
  'STANDARD',
  'INTELLIGENT_TIERING',
  'STANDARD_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
]);
export type StorageClass = z.infer<typeof StorageClass>;

/** How an origin object holds a blob's bytes: as they are, or as `lib/compression` packs them. */
export const OriginEncoding = z.enum(['identity', 'byteplane-zstd-1']);
export type OriginEncoding = z.infer<typeof OriginEncoding>;

/** ComfyUI's folder for a file; `other` has no place in the `models/` view's typed folders. */
export const ModelKind = z.enum([
  'checkpoints',
  'loras',
  'vae',
  'vae_approx',
  'text_encoders',
  'diffusion_models',
  'controlnet',
  'clip_vision',
  'style_models',
  'embeddings',
  'gligen',
  'upscale_models',
  'hypernetworks',
  'photomaker',
  'model_patches',
  'audio_encoders',
  'llm',
  'other',
]);
export type ModelKind = z.infer<typeof ModelKind>;

/** What a file is within its version. */
export const FileRole = z.enum(['weights', 'config', 'tokenizer', 'other']);
export type FileRole = z.infer<typeof FileRole>;

/** A packed copy has a place of its own, so that it may lie beside the other one of its class. */
export function originLocation(
  region: string,
  storageClass: StorageClass,
  encoding: OriginEncoding = 'identity',
): Location {
  return Location.parse(`s3:${region}:${storageClass}${encoding === 'identity' ? '' : ':packed'}`);
}

export function hostLocation(tier: 'nvme', host: HostId): Location {
  return Location.parse(`${tier}:${host}`);
}

/** The queue of one host in one generation. A deleted queue name cannot be reused for 60 s, so the generation is part of it. */
export function hostQueue(host: HostId, generation: Generation): string {
  return `host-${host}-${generation}`;
}
