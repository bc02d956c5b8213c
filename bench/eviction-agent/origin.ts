import type { ResolvedModel } from '../../events/host-api/v1.ts';
import type { Resolver } from '../../agent/models/resolver.ts';
import { blobDigest, blobKey, manifestKey, partHash } from '../../lib/shared/digest.ts';
import { KeySegment, ModelName, SemVer } from '../../lib/shared/ids.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';
import { Bytes, EpochMs } from '../../lib/shared/units.ts';

const NAME = ModelName.parse('object');
const FILE = KeySegment.parse('weights.safetensors');
const NO_TIME = EpochMs.parse(0);

/** An origin in memory, and the plane's answers about it: object `n` is the only file of the model `object`, version `1.0.n`. */
export interface Origin {
  readonly reader: ObjectReader;
  readonly resolver: Resolver;
  readonly model: ModelName;
  /** The reference that `resolver` knows the object by; it gets its bytes when it is first asked for. */
  referenceOf(object: number, size: number): string;
}

export function createOrigin(partSize: number): Origin {
  const objects = new Map<string, Uint8Array>();
  const models = new Map<string, ResolvedModel>();

  function publish(reference: string, object: number, size: number): void {
    const bytes = Buffer.alloc(size, `${object} `);
    const parts = Array.from({ length: Math.ceil(size / partSize) }, (_, part) =>
      partHash(bytes.subarray(part * partSize, (part + 1) * partSize)),
    );
    const digest = blobDigest(size, partSize, parts);
    objects.set(blobKey(digest), bytes);
    const manifest = { schema: 'strata-parts-1', digest, size, partSize, parts };
    objects.set(manifestKey(digest), Buffer.from(JSON.stringify(manifest)));
    const origin = { key: blobKey(digest), versionId: 'v1' };
    models.set(reference, {
      model: NAME,
      version: SemVer.parse(reference),
      publishedAt: NO_TIME,
      files: [{ file: FILE, role: 'weights', kind: 'other', digest, size: Bytes.parse(size), origin }],
    });
  }

  return {
    model: NAME,
    reader: {
      async head(key) {
        const bytes = objects.get(key);
        if (bytes === undefined) return { outcome: 'absent' };
        const head = { key, versionId: 'v1', size: bytes.length, etag: 'e', storageClass: 'STANDARD' as const };
        return { outcome: 'found', head: { ...head, lastModified: NO_TIME, metadata: {} } };
      },
      async readRange(key, _version, offset, length) {
        const bytes = objects.get(key);
        return bytes === undefined
          ? { outcome: 'absent' }
          : { outcome: 'read', bytes: bytes.subarray(offset, offset + length) };
      },
    },
    resolver: {
      async resolve(_model, reference) {
        const model = models.get(reference);
        if (model === undefined) throw new RangeError(`${reference} was not published.`);
        return { outcome: 'resolved', model, answer: 'fresh' };
      },
      async resolveBlob(digest) {
        throw new RangeError(`${digest}: the trace asks by name.`);
      },
    },
    referenceOf(object, size) {
      const reference = `1.0.${object}`;
      if (!models.has(reference)) publish(reference, object, size);
      return reference;
    },
  };
}
