import type { GgufValue } from './gguf.ts';
import type { Tensor } from './tensors.ts';

// The shape of karpathy's stories15M: a llama in everything but its size.
const WIDTH = 288;
const INNER = 768;
const LAYERS = 6;
const HEADS = 6;
const VOCABULARY = 32_000;
const CONTEXT = 256;

export function llamaMetadata(): ReadonlyMap<string, GgufValue> {
  const tokens = Array.from({ length: VOCABULARY }, (_, index) => `▁token${index}`);
  return new Map<string, GgufValue>([
    ['general.architecture', { text: 'llama' }],
    ['general.name', { text: 'stories15M' }],
    ['general.license', { text: 'mit' }],
    ['general.quantization_version', { uint32: 2 }],
    ['llama.context_length', { uint32: CONTEXT }],
    ['llama.embedding_length', { uint32: WIDTH }],
    ['llama.block_count', { uint32: LAYERS }],
    ['llama.feed_forward_length', { uint32: INNER }],
    ['llama.attention.head_count', { uint32: HEADS }],
    ['llama.attention.head_count_kv', { uint32: HEADS }],
    ['llama.attention.layer_norm_rms_epsilon', { float32: 1e-5 }],
    ['llama.rope.dimension_count', { uint32: WIDTH / HEADS }],
    ['tokenizer.ggml.model', { text: 'llama' }],
    ['tokenizer.ggml.tokens', { texts: tokens }],
  ]);
}

/** Names as llama.cpp writes them, dimensions fastest first. */
export function llamaTensors(): readonly Tensor[] {
  const layers = Array.from({ length: LAYERS }, (_, layer) => `blk.${layer}`).flatMap((block) => [
    { name: `${block}.attn_norm.weight`, shape: [WIDTH] },
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((part) => ({
      name: `${block}.${part}.weight`,
      shape: [WIDTH, WIDTH],
    })),
    { name: `${block}.ffn_norm.weight`, shape: [WIDTH] },
    { name: `${block}.ffn_gate.weight`, shape: [WIDTH, INNER] },
    { name: `${block}.ffn_up.weight`, shape: [WIDTH, INNER] },
    { name: `${block}.ffn_down.weight`, shape: [INNER, WIDTH] },
  ]);
  return [
    { name: 'token_embd.weight', shape: [WIDTH, VOCABULARY] },
    ...layers,
    { name: 'output_norm.weight', shape: [WIDTH] },
    { name: 'output.weight', shape: [WIDTH, VOCABULARY] },
  ];
}
