import { RULES, type Rule } from './rules.ts';
import { type Format, type HeaderVerdict, MAX_REASONS, type Reason, worst } from './verdict.ts';

const TORCH: readonly Format[] = ['torch-zip', 'torchscript', 'torch-legacy', 'pickle', 'tar'];
/** The archive of an exported program of torch 2.5 is a zip of its own kind. */
const TORCH_FILES: readonly Format[] = [...TORCH, 'zip'];
/** A pickle by any library, whole or compressed as joblib and pandas do. */
const PICKLES: readonly Format[] = ['pickle', 'joblib', 'torch-legacy', 'torch-zip', 'compressed'];
const HDF5: readonly Format[] = ['hdf5', 'keras'];
const COMPRESSED: readonly Format[] = ['compressed', 'joblib'];

/**
 * What an extension promises to every loader that goes by it. `unknown` stands where the scanner does not read all that is called so.
 * Extensions that are not here promise nothing.
 */
const PROMISES: ReadonlyMap<string, readonly string[]> = new Map<string, readonly Format[]>([
  ['safetensors', ['safetensors']],
  ['sft', ['safetensors']],
  ['gguf', ['gguf']],
  ['onnx', ['onnx']],
  ['pt', TORCH_FILES],
  ['pth', TORCH_FILES],
  // TensorFlow's checkpoints of the first version, too.
  ['ckpt', [...TORCH, 'unknown']],
  ['pt2', ['torch-zip', 'zip']],
  ['pkl', PICKLES],
  ['pickle', PICKLES],
  ['joblib', PICKLES],
  ['npy', ['npy']],
  ['npz', ['npz', 'zip']],
  // tf.keras 2 writes weights alone as HDF5 under this name, too.
  ['keras', HDF5],
  ['h5', HDF5],
  ['hdf5', HDF5],
  ['tflite', ['tflite', 'unknown']],
  ['json', ['json']],
  ['zip', ['zip', 'torch-zip', 'torchscript', 'npz', 'keras']],
  ['tar', ['tar']],
  ['gz', COMPRESSED],
  ['tgz', COMPRESSED],
  ['bz2', COMPRESSED],
  ['xz', COMPRESSED],
  ['zst', COMPRESSED],
]);

/** Weights of every kind are called `.bin`, none of which is a text. */
const NO_WEIGHTS: readonly string[] = ['text', 'json', 'image'];

/** Bytes as they were judged without a name, and what was made of that. */
interface JudgedBytes {
  readonly digest: string;
  readonly findings: { readonly format: string; readonly admission?: { readonly reason: string } | undefined };
}

/** Why bytes that may be served may not be under the names that these files give them; undefined also where an operator released them. */
export function misnaming(
  files: readonly { readonly file: string; readonly digest: string }[],
  { digest, findings }: JudgedBytes,
): string | undefined {
  if (findings.admission?.reason === 'overridden') return undefined;
  for (const { file } of files.filter((one) => one.digest === digest)) {
    const text = nameRefusal(file, findings.format);
    if (text !== undefined) return `file.misnamed: ${file}: ${text}`;
  }
  return undefined;
}

/** `file` may have folders in front; upper and lower case are the same. */
function nameRefusal(file: string, format: string): string | undefined {
  const extension = extensionOf(file);
  const what = format === 'unknown' ? 'of no format that the scanner reads' : format;
  if (extension === 'bin') {
    return NO_WEIGHTS.includes(format) ? `the name ends in .bin, but the content is ${what}` : undefined;
  }
  // PyTorch's examples call what `torch.save` writes `.pth.tar`, and few of them are a tar.
  const promised = PROMISES.get(extension.replace(/\.tar$/, ''));
  if (promised === undefined || promised.includes(format)) return undefined;
  return `the name ends in .${extension}, but the content is ${what}`;
}

/** The last one; of a checkpoint of torch that is called a tar, the last two. */
function extensionOf(file: string): string {
  return /\.((?:pth|pt|ckpt)\.tar|[^./\\]*)$/i.exec(file)?.[1]?.toLowerCase() ?? '';
}

/**
 * The verdict on bytes that are called `file`: what is understood, or of no known format, and not what its name promises is `invalid`.
 * A loader that goes by the name fails on it, and one that goes by the content reads what nobody expected. What was refused for
 * another reason stays as it is.
 */
export function judgeName(file: string, verdict: HeaderVerdict): HeaderVerdict {
  const { status, reasons } = verdict;
  const understood = status === 'clean' || status === 'suspicious';
  if (!understood && !reasons.some(({ rule }) => rule === 'file.unknown-format')) return verdict;
  const text = nameRefusal(file, verdict.format);
  if (text === undefined) return verdict;
  const { severity, fix }: Rule = RULES['file.misnamed'];
  const reason: Reason = { rule: 'file.misnamed', text, ...(fix === undefined ? {} : { fix }) };
  return { ...verdict, status: worst(status, severity), reasons: [reason, ...reasons].slice(0, MAX_REASONS) };
}
