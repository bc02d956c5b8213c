import { guessFamily, type Kind } from './family.ts';
import type { TensorFact } from './tensors.ts';

export interface DtypeShare {
  readonly dtype: string;
  readonly bytes: number;
  /** Of all tensor bytes, 0 to 1. */
  readonly share: number;
}

/** What a readable model file holds: facts from its header and a guess from its tensors' names. */
export interface Analysis {
  readonly tensorCount: number;
  /** Elements of all tensors; blocks of quantised types count their elements, not their bytes. */
  readonly parameters: number;
  readonly tensorBytes: number;
  /** Largest first. */
  readonly dtypes: readonly DtypeShare[];
  /** The architecture or the base model, as `SDXL`, `Flux.1`, `CLIP-L`, `llama`; `unknown` where nothing tells. */
  readonly family: string;
  /** ComfyUI's folder for such a file. */
  readonly kind: Kind;
  /** Pairs, bounded in number and length, as the file claims them. */
  readonly metadata: readonly (readonly [key: string, value: string])[];
  readonly licence?: string;
}

const MAX_METADATA = 64;
const MAX_VALUE = 1_000;
const LICENCE_KEYS = ['license', 'licence', 'modelspec.license', 'general.license', 'general.license.name'];

export function analyse(tensors: readonly TensorFact[], metadata: ReadonlyMap<string, string>): Analysis {
  const bytesByDtype = new Map<string, number>();
  let parameters = 0;
  let tensorBytes = 0;
  for (const { dtype, shape, bytes } of tensors) {
    bytesByDtype.set(dtype, (bytesByDtype.get(dtype) ?? 0) + bytes);
    parameters += shape.reduce((product, size) => product * size, 1);
    tensorBytes += bytes;
  }
  const dtypes = [...bytesByDtype]
    .map(([dtype, bytes]) => ({ dtype, bytes, share: tensorBytes === 0 ? 0 : bytes / tensorBytes }))
    .sort((a, b) => b.bytes - a.bytes || (a.dtype < b.dtype ? -1 : 1));
  const licence = LICENCE_KEYS.map((key) => metadata.get(key)).find((text) => text !== undefined && text !== '');
  return {
    tensorCount: tensors.length,
    parameters,
    tensorBytes,
    dtypes,
    ...guessFamily(tensors, metadata),
    metadata: [...metadata].slice(0, MAX_METADATA).map(([key, value]) => [cut(key), cut(value)]),
    ...(licence === undefined ? {} : { licence: cut(licence) }),
  };
}

function cut(text: string): string {
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}
