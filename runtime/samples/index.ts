import { ggufFile } from './gguf.ts';
import { llamaMetadata, llamaTensors } from './llama.ts';
import { loraTensors } from './loraTensors.ts';
import { safetensorsFile } from './safetensors.ts';
import { vaeTensors } from './vaeTensors.ts';

export interface Sample {
  /** Below `uploads/`. */
  readonly key: string;
  readonly expected: 'cached' | 'quarantined';
  readonly content: () => Iterable<Uint8Array>;
}

/** A pickle that, when it is loaded, calls `os.system('true')`: harmless, and just what a harmful one looks like. */
const RUNS_A_COMMAND = Buffer.from("cposix\nsystem\n(S'true'\ntR.");

/**
 * Three models with the tensor names and shapes of real checkpoints and noise for weights, a file that was cut in the
 * middle of its data, and a pickle, which may run code when it is loaded.
 */
export const SAMPLES: readonly Sample[] = [
  { key: 'uploads/watercolor/1.0.0/watercolor.safetensors', expected: 'cached', content: lora },
  {
    key: 'uploads/sd-vae/1.0.0/diffusion_pytorch_model.safetensors',
    expected: 'cached',
    content: () => safetensorsFile(vaeTensors(), {}),
  },
  {
    key: 'uploads/stories15m/1.0.0/stories15m-q8_0.gguf',
    expected: 'cached',
    content: () => ggufFile(llamaMetadata(), llamaTensors()),
  },
  {
    key: 'uploads/cut-off/1.0.0/cut-off.safetensors',
    expected: 'quarantined',
    content: () => firstBytes(lora(), 500_000),
  },
  { key: 'uploads/old-checkpoint/1.0.0/model.ckpt', expected: 'quarantined', content: () => [RUNS_A_COMMAND] },
];

function lora() {
  return safetensorsFile(loraTensors(), {
    ss_network_dim: '4',
    ss_network_alpha: '4.0',
    ss_base_model_version: 'sd_v1',
  });
}

function* firstBytes(chunks: Iterable<Uint8Array>, length: number): Generator<Uint8Array> {
  let left = length;
  for (const chunk of chunks) {
    if (left > 0) yield chunk.subarray(0, left);
    left -= chunk.byteLength;
  }
}
