import { HOP_METADATA, SET_FILE, SET_METADATA, SetId } from '../../events/upload-set/v1.ts';
import type { Version } from '../catalog/index.ts';
import { NewModelName } from '../shared/ids.ts';
import { formatBytes } from '../shared/units.ts';
import type { Quarantine } from './quarantine.ts';
import type { UploadTarget } from './uploadKey.ts';

/** Our own writes never lead to an upload more than so many times in a row. */
export const UPLOAD_HOP_LIMIT = 3;

export type Admission =
  | { readonly admit: true; readonly set: string | undefined }
  | { readonly admit: false; readonly set: string | undefined; readonly quarantine: Quarantine };

export interface AdmissionFacts {
  readonly target: UploadTarget | undefined;
  readonly size: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly maxUploadBytes: number;
  /** The published version that the key names, where there is one. */
  readonly version: Version | undefined;
}

/** Whether an upload is worth reading at all. What a closed version already holds under the same name and size may be the same bytes. */
export function decideAdmission({ target, size, metadata, maxUploadBytes, version }: AdmissionFacts): Admission {
  const mark = metadata[SET_METADATA];
  const set = SetId.safeParse(mark).data;
  const refuse = (reason: Quarantine['reason'], text: string): Admission => ({
    admit: false,
    set,
    quarantine: { reason, text },
  });
  if (target === undefined) {
    return refuse(
      'bad-key',
      'The key is not uploads/<name>/<semver>/<file> in lower-case letters, digits, dots, dashes and underscores.',
    );
  }
  if (!NewModelName.safeParse(target.model).success) {
    return refuse('bad-key', `The name ${target.model} begins with a dash: commands would take it for an option.`);
  }
  const hops = Number(metadata[HOP_METADATA] ?? '0');
  if (!(hops < UPLOAD_HOP_LIMIT)) {
    return refuse('hop-limit', `The object was written in reaction to ${hops} uploads before it: a loop.`);
  }
  if (size > maxUploadBytes) {
    return refuse(
      'too-large',
      `${formatBytes(size)} exceed the limit of ${formatBytes(maxUploadBytes)} for one file (the setting maxUploadBytes).`,
    );
  }
  if (mark !== undefined && set === undefined) {
    return refuse('invalid-set', `The metadata ${SET_METADATA} is no UUID.`);
  }
  if (target.file === SET_FILE) {
    if (set !== undefined) return { admit: true, set };
    return refuse('invalid-set', `${SET_FILE} closes a set: it needs the metadata ${SET_METADATA}.`);
  }
  if (version !== undefined && !version.files.some((file) => file.file === target.file && file.size === size)) {
    return refuse('immutable-version', `${target.model}@${target.version} is published; a version never changes.`);
  }
  return { admit: true, set };
}
