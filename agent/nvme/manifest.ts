import { manifestIsSound, manifestKey, PartManifest, partCount } from '../../lib/shared/digest.ts';
import { errorText, PortError } from '../../lib/shared/errors.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';
import { MIB } from '../../lib/shared/units.ts';

export type ManifestOutcome =
  | { readonly outcome: 'sound'; readonly manifest: PartManifest }
  | {
      readonly outcome: 'failed';
      readonly code: 'origin-absent' | 'origin-archived' | 'origin-unavailable' | 'denied' | 'wrong-bytes';
      readonly message: string;
    };

const LARGEST_BYTES = 64 * MIB;

/** Reads `blobs/<digest>.parts` and believes it only where it hashes to the digest that was asked for. */
export async function readManifest(
  objects: ObjectReader,
  wanted: { readonly digest: Digest; readonly size: number; readonly partSize: number },
): Promise<ManifestOutcome> {
  const key = manifestKey(wanted.digest);
  try {
    const found = await objects.head(key);
    if (found.outcome === 'absent') {
      // The bucket may be what is absent: reads throw then.
      await objects.readRange(key, 'null', 0, 1);
      return failed('origin-absent', `There is no ${key}.`);
    }
    const { versionId, size } = found.head;
    // A part hash takes 67 characters; whatever is far larger is none of ours.
    const plausible = 1000 + 80 * partCount(wanted.size, wanted.partSize);
    if (size > Math.min(plausible, LARGEST_BYTES)) return failed('wrong-bytes', `${key} has ${size} bytes.`);
    const read = await objects.readRange(key, versionId, 0, size);
    if (read.outcome === 'absent') return failed('origin-absent', `There is no ${key}.`);
    if (read.outcome === 'archived') return failed('origin-archived', `${key} is archived.`);
    return judge(key, read.bytes, wanted);
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    return failed(error.code === 'access-denied' ? 'denied' : 'origin-unavailable', errorText(error));
  }
}

function judge(
  key: string,
  bytes: Uint8Array,
  wanted: { readonly digest: Digest; readonly size: number; readonly partSize: number },
): ManifestOutcome {
  const parsed = PartManifest.safeParse(jsonOf(bytes));
  if (!parsed.success) return failed('wrong-bytes', `${key} is no part manifest.`);
  const manifest = parsed.data;
  const fits =
    manifest.digest === wanted.digest && manifest.size === wanted.size && manifest.partSize === wanted.partSize;
  if (!fits || !manifestIsSound(manifest)) return failed('wrong-bytes', `${key} does not describe this blob.`);
  return { outcome: 'sound', manifest };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

function failed(code: Extract<ManifestOutcome, { outcome: 'failed' }>['code'], message: string): ManifestOutcome {
  return { outcome: 'failed', code, message };
}
