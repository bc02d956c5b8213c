import { compressionOf } from './formats/compressed.ts';
import { looksLikeGguf } from './formats/gguf.ts';
import { looksLikeHdf5 } from './formats/hdf5.ts';
import { looksLikeNpy } from './formats/npy.ts';
import { looksLikeOnnx } from './formats/onnx.ts';
import { looksLikeSafetensors } from './formats/safetensors.ts';
import { looksLikeTar } from './formats/tar.ts';
import { looksLikeZip } from './formats/zip.ts';
import { looksLikePickle } from './pickle/machine.ts';

/** What the first bytes claim to be; the claim's reader then holds the file to it. */
export type Claim =
  | 'gguf'
  | 'hdf5'
  | 'zip'
  | 'npy'
  | 'onnx'
  | 'pickle'
  | 'tar'
  | 'safetensors'
  | 'compressed'
  | 'executable'
  | 'archive'
  | 'other';

const MAGICS: readonly (readonly [claim: Claim, hex: string])[] = [
  ['archive', '377abcaf271c'], // 7z
  ['archive', '526172211a07'], // rar
  ['archive', '04224d18'], // lz4
  ['archive', '4d534346'], // cab
  ['executable', '7f454c46'], // ELF
  ['executable', '4d5a'], // PE and DOS
  ['executable', 'cafebabe'], // Java class, fat Mach-O
  ['executable', 'cffaedfe'], // Mach-O
  ['executable', 'cefaedfe'],
  ['executable', '0061736d'], // WebAssembly
  ['executable', '420d0d0a'], // Python byte code 3.7
];

export function claimOf(head: Uint8Array): Claim {
  // First: the length of its header may begin with any byte, a pickle's 0x80 among them, but then six of eight are zero.
  if (looksLikeSafetensors(head)) return 'safetensors';
  if (looksLikeGguf(head)) return 'gguf';
  if (looksLikeZip(head)) return 'zip';
  if (looksLikeHdf5(head)) return 'hdf5';
  if (looksLikeNpy(head)) return 'npy';
  if (looksLikeOnnx(head)) return 'onnx';
  if (looksLikePickle(head)) return 'pickle';
  if (looksLikeTar(head)) return 'tar';
  const hex = Buffer.from(head.subarray(0, 8)).toString('hex');
  const magic = MAGICS.find(([, prefix]) => hex.startsWith(prefix));
  if (magic !== undefined) return magic[0];
  // Two bytes prove little: zlib's mark comes after the longer ones.
  return compressionOf(head) === undefined ? 'other' : 'compressed';
}
