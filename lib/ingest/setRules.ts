import { formatCount } from '../shared/formatCount.ts';
import type { UploadSet } from '../../events/upload-set/v1.ts';
import type { ReceivedSet, Version } from '../catalog/index.ts';
import type { FileRole } from '../shared/ids.ts';
import type { Quarantine } from './quarantine.ts';

/** Why a file cannot belong to a set; undefined when it can. */
export function misfit(
  set: ReceivedSet,
  { file, size }: { readonly file: string; readonly size: number },
): Quarantine | undefined {
  const listed = set.manifest.files.find((candidate) => candidate.file === file);
  if (listed === undefined)
    return { reason: 'not-in-set', text: `strata.json of set ${set.manifest.set} does not name it.` };
  if (listed.size === size) return undefined;
  return {
    reason: 'size-differs-from-set',
    text: `strata.json says ${formatCount(listed.size, 'byte')}, the object has ${size}.`,
  };
}

/** Whether a set has the names and sizes of a published version: the files themselves are compared by digest as they come. */
export function sameFiles(manifest: UploadSet, version: Version): boolean {
  return (
    manifest.files.length === version.files.length &&
    manifest.files.every(({ file, size }) =>
      version.files.some((published) => published.file === file && published.size === size),
    )
  );
}

const WEIGHTS = /\.(safetensors|gguf|onnx|bin|pt|pth|ckpt)$/;
const TOKENIZER = /^(tokenizer.*|vocab.*|merges\.txt|spiece\.model|special_tokens_map\.json|added_tokens\.json)$/;

/** What a file is within its version, by the names that the model world uses; a set may say otherwise. */
export function fileRole(file: string): FileRole {
  if (WEIGHTS.test(file)) return 'weights';
  if (TOKENIZER.test(file)) return 'tokenizer';
  return file.endsWith('config.json') ? 'config' : 'other';
}
