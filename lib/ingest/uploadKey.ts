import { KeySegment, ModelName, SemVer } from '../shared/ids.ts';
import type { Upload } from '../catalog/index.ts';

export const UPLOADS_PREFIX = 'uploads/';

export type UploadTarget = NonNullable<Upload['target']>;

/** What `uploads/<name>/<semver>/<file>` names; undefined for any other form, dot segments and upper case included. */
export function parseUploadKey(key: string): UploadTarget | undefined {
  const [prefix, name, semver, file, ...rest] = key.split('/');
  if (`${prefix}/` !== UPLOADS_PREFIX || rest.length > 0) return undefined;
  const model = ModelName.safeParse(name);
  const version = SemVer.safeParse(semver);
  const segment = KeySegment.safeParse(file);
  if (!model.success || !version.success || !segment.success) return undefined;
  return { model: model.data, version: version.data, file: segment.data };
}

export function uploadKey(target: UploadTarget): string {
  return `${UPLOADS_PREFIX}${target.model}/${target.version}/${target.file}`;
}

/**
 * The key as S3's older notifications would encode it, decoded: `+` is a space. Undefined where it is no such encoding or
 * says nothing new. EventBridge sends keys raw, but not every store that imitates it does.
 */
export function decodedKey(rawKey: string): string | undefined {
  try {
    const decoded = decodeURIComponent(rawKey.replaceAll('+', ' '));
    return decoded === rawKey ? undefined : decoded;
  } catch {
    return undefined;
  }
}
