import type { TensorFact } from './tensors.ts';

/** ComfyUI's folder names, `llm` for language models outside of a pipeline, `other` where nothing tells. */
export type Kind =
  | 'checkpoints'
  | 'loras'
  | 'vae'
  | 'text_encoders'
  | 'diffusion_models'
  | 'controlnet'
  | 'clip_vision'
  | 'embeddings'
  | 'upscale_models'
  | 'ipadapter'
  | 'gligen'
  | 'style_models'
  | 'animatediff_models'
  | 'sams'
  | 'llm'
  | 'other';

export interface FamilyGuess {
  readonly family: string;
  readonly kind: Kind;
}

/** Names beyond these tell nothing new; the guess must stay cheap for a header of half a million tensors. */
const MAX_NAMES = 20_000;

/** The tensors as one text, so that a test for a fragment of a name is one native search. */
export class TensorIndex {
  #text: string;
  #shapes: ReadonlyMap<string, readonly number[]>;

  constructor(tensors: readonly TensorFact[]) {
    const seen = tensors.slice(0, MAX_NAMES);
    this.#text = `\n${seen.map(({ name }) => name).join('\n')}\n`;
    this.#shapes = new Map(seen.map(({ name, shape }) => [name, shape]));
  }

  has(fragment: string): boolean {
    return this.#text.includes(fragment);
  }

  startsWith(prefix: string): boolean {
    return this.#text.includes(`\n${prefix}`);
  }

  /** One dimension of the first tensor whose name ends so. */
  dimension(suffix: string, axis: number): number | undefined {
    for (const [name, shape] of this.#shapes) if (name.endsWith(suffix)) return shape.at(axis);
    return undefined;
  }
}

export function guessFamily(tensors: readonly TensorFact[], metadata: ReadonlyMap<string, string>): FamilyGuess {
  const architecture = metadata.get('general.architecture');
  if (architecture !== undefined) return fromGgufArchitecture(architecture);
  const index = new TensorIndex(tensors);
  return (
    adapter(index, metadata) ??
    control(index) ??
    checkpoint(index) ??
    diffusionModel(index, '') ??
    vae(index) ??
    encoder(index) ??
    languageModel(index) ??
    other(index)
  );
}

const GGUF_DIFFUSION: ReadonlyMap<string, string> = new Map([
  ['flux', 'Flux.1'],
  ['sd1', 'SD1.5'],
  ['sdxl', 'SDXL'],
  ['sd3', 'SD3'],
  ['aura', 'AuraFlow'],
  ['hidream', 'HiDream'],
  ['cosmos', 'Cosmos'],
  ['hyvid', 'HunyuanVideo'],
  ['wan', 'Wan'],
  ['ltxv', 'LTX-Video'],
  ['lumina2', 'Lumina2'],
  ['qwen_image', 'Qwen-Image'],
]);

function fromGgufArchitecture(architecture: string): FamilyGuess {
  const diffusion = GGUF_DIFFUSION.get(architecture);
  if (diffusion !== undefined) return { family: diffusion, kind: 'diffusion_models' };
  if (architecture === 't5' || architecture === 't5encoder') return { family: 'T5', kind: 'text_encoders' };
  if (architecture === 'clip') return { family: 'CLIP', kind: 'clip_vision' };
  return { family: architecture.slice(0, 64), kind: 'llm' };
}

const ADAPTER_KINDS: readonly (readonly [fragment: string, name: string])[] = [
  ['hada_w1_a', 'LoHa'],
  ['lokr_w', 'LoKr'],
  ['oft_blocks', 'OFT'],
  ['dora_scale', 'DoRA'],
  ['lora_up', 'LoRA'],
  ['lora_down', 'LoRA'],
  ['lora_A', 'LoRA'],
  ['lora.up', 'LoRA'],
];

/** kohya, LyCORIS, diffusers and PEFT adapters, and textual inversions. */
function adapter(index: TensorIndex, metadata: ReadonlyMap<string, string>): FamilyGuess | undefined {
  const kind = ADAPTER_KINDS.find(([fragment]) => index.has(fragment))?.[1];
  if (kind !== undefined) {
    const base = baseFromMetadata(metadata) ?? baseOfAdapter(index);
    return { family: base === undefined ? kind : `${base} ${kind}`, kind: 'loras' };
  }
  if (index.startsWith('emb_params\n') || index.startsWith('string_to_param')) {
    const width = index.dimension('emb_params', -1) ?? index.dimension('string_to_param.*', -1);
    return { family: widthFamily(width) ?? 'textual inversion', kind: 'embeddings' };
  }
  if (index.startsWith('clip_g\n') && index.startsWith('clip_l\n')) return { family: 'SDXL', kind: 'embeddings' };
  if (index.startsWith('image_proj.') && index.startsWith('ip_adapter.')) {
    return { family: widthFamily(index.dimension('to_k_ip.weight', -1)) ?? 'IP-Adapter', kind: 'ipadapter' };
  }
  return undefined;
}

const METADATA_BASES: readonly (readonly [pattern: RegExp, family: string])[] = [
  [/sdxl|stable-diffusion-xl/i, 'SDXL'],
  [/flux/i, 'Flux.1'],
  [/sd3|stable-diffusion-3/i, 'SD3'],
  [/sd_v2|stable-diffusion-v2/i, 'SD2'],
  [/sd_v1|stable-diffusion-v1/i, 'SD1.5'],
  [/wan/i, 'Wan'],
  [/hunyuan/i, 'HunyuanVideo'],
];

function baseFromMetadata(metadata: ReadonlyMap<string, string>): string | undefined {
  const claim = metadata.get('modelspec.architecture') ?? metadata.get('ss_base_model_version');
  return claim === undefined ? undefined : METADATA_BASES.find(([pattern]) => pattern.test(claim))?.[1];
}

function baseOfAdapter(index: TensorIndex): string | undefined {
  if (index.has('single_transformer_blocks') || index.has('double_blocks')) return 'Flux.1';
  if (index.has('joint_blocks')) return 'SD3';
  if (index.has('lora_te2_') || index.has('text_encoder_2.')) return 'SDXL';
  if (index.startsWith('base_model.model.')) return 'PEFT';
  const width =
    index.dimension('attn2_to_k.lora_down.weight', -1) ??
    index.dimension('attn2.to_k.lora_A.weight', -1) ??
    index.dimension('attn2.to_k.lora.down.weight', -1);
  return widthFamily(width);
}

/** The width of the text encoding that cross attention reads tells the generation of Stable Diffusion. */
function widthFamily(width: number | undefined): string | undefined {
  if (width === 768) return 'SD1.5';
  if (width === 1024) return 'SD2';
  if (width === 2048 || width === 1280) return 'SDXL';
  return undefined;
}

function control(index: TensorIndex): FamilyGuess | undefined {
  const isControl =
    index.has('controlnet_cond_embedding.') ||
    index.has('controlnet_x_embedder.') ||
    index.has('input_hint_block.') ||
    index.has('controlnet_blocks.');
  if (isControl) {
    const unet = diffusionModel(index, index.startsWith('control_model.') ? 'control_model.' : '');
    return { family: unet?.family ?? 'unknown', kind: 'controlnet' };
  }
  if (index.startsWith('adapter.body.') || index.startsWith('body.0.block1.')) {
    return { family: 'T2I-Adapter', kind: 'controlnet' };
  }
  if (index.has('motion_modules.')) return { family: 'AnimateDiff', kind: 'animatediff_models' };
  if (index.has('position_net.')) return { family: 'GLIGEN', kind: 'gligen' };
  return undefined;
}

/** A whole pipeline in one file, in the layout of CompVis and Stability. */
function checkpoint(index: TensorIndex): FamilyGuess | undefined {
  const prefix = 'model.diffusion_model.';
  if (!index.startsWith(prefix)) return undefined;
  const family = index.startsWith('conditioner.embedders.1.')
    ? 'SDXL'
    : index.startsWith('cond_stage_model.model.')
      ? 'SD2'
      : (diffusionModel(index, prefix)?.family ?? 'unknown');
  const whole =
    index.startsWith('first_stage_model.') || index.startsWith('cond_stage_model.') || index.startsWith('vae.');
  return { family, kind: whole ? 'checkpoints' : 'diffusion_models' };
}

/** Marks of diffusion transformers, the more specific before the more general. */
const TRANSFORMERS: readonly (readonly [fragment: string, family: string])[] = [
  ['distilled_guidance_layer.', 'Chroma'],
  ['txt_in.individual_token_refiner.', 'HunyuanVideo'],
  ['double_blocks.0.img_attn.', 'Flux.1'],
  ['single_transformer_blocks.0.', 'Flux.1'],
  ['joint_blocks.0.', 'SD3'],
  ['double_layers.0.', 'AuraFlow'],
  ['transformer_blocks.0.img_mod.', 'Qwen-Image'],
  ['transformer_blocks.0.attn.add_k_proj.', 'SD3'],
  ['blocks.0.cross_attn.norm_k.', 'Wan'],
  ['patchify_proj.', 'LTX-Video'],
  ['caption_projection.0.linear.', 'HiDream'],
  ['cap_embedder.1.', 'Lumina2'],
  ['blocks.0.cross_attn.kv_linear.', 'PixArt'],
];

function diffusionModel(index: TensorIndex, prefix: string): FamilyGuess | undefined {
  const kind = 'diffusion_models';
  const transformer = TRANSFORMERS.find(([fragment]) => index.startsWith(prefix + fragment));
  if (transformer !== undefined) return { family: transformer[1], kind };
  const unet =
    index.startsWith(`${prefix}input_blocks.`) ||
    (index.startsWith(`${prefix}down_blocks.`) && index.startsWith(`${prefix}time_embedding.`));
  if (!unet) return undefined;
  return { family: widthFamily(index.dimension('attn2.to_k.weight', -1)) ?? 'unknown', kind };
}

function vae(index: TensorIndex): FamilyGuess | undefined {
  const prefix = index.startsWith('first_stage_model.') ? 'first_stage_model.' : '';
  const latent =
    index.startsWith(`${prefix}decoder.up.`) ||
    index.startsWith(`${prefix}decoder.up_blocks.`) ||
    index.startsWith(`${prefix}decoder.upsamples.`);
  if (!latent) return undefined;
  const channels = index.dimension('decoder.conv_in.weight', 1) ?? index.dimension('decoder.conv1.weight', 1);
  return { family: channels === 16 ? 'Flux.1' : channels === 4 ? 'Stable Diffusion' : 'unknown', kind: 'vae' };
}

function encoder(index: TensorIndex): FamilyGuess | undefined {
  const kind = 'text_encoders';
  if (index.has('encoder.block.0.layer.0.SelfAttention.')) {
    const width = index.dimension('shared.weight', -1) ?? index.dimension('embed_tokens.weight', -1);
    return { family: width === 4096 ? 'T5-XXL' : 'T5', kind };
  }
  const text = index.has('text_model.encoder.layers.0.');
  const vision = index.has('vision_model.encoder.layers.0.') || index.startsWith('visual.');
  if (text) {
    const width = index.dimension('token_embedding.weight', -1);
    return { family: width === 768 ? 'CLIP-L' : width === 1280 ? 'CLIP-G' : 'CLIP', kind };
  }
  return vision ? { family: 'CLIP', kind: 'clip_vision' } : undefined;
}

function languageModel(index: TensorIndex): FamilyGuess | undefined {
  const kind = 'llm';
  if (index.has('layers.0.self_attn.q_proj.')) {
    if (index.has('block_sparse_moe.')) return { family: 'Mixtral', kind };
    if (index.has('post_feedforward_layernorm.')) return { family: 'Gemma', kind };
    if (index.has('layers.0.self_attn.q_proj.bias')) return { family: 'Qwen', kind };
    return { family: 'Llama', kind };
  }
  if (index.has('h.0.attn.c_attn.')) return { family: 'GPT-2', kind };
  if (index.has('encoder.layer.0.attention.self.query.')) return { family: 'BERT', kind };
  return undefined;
}

function other(index: TensorIndex): FamilyGuess {
  const upscaler = index.startsWith('model.1.sub.0.RDB1.') || index.startsWith('body.0.rdb1.');
  if (upscaler) return { family: 'ESRGAN', kind: 'upscale_models' };
  if (index.startsWith('layers.0.residual_group.')) return { family: 'SwinIR', kind: 'upscale_models' };
  if (index.startsWith('mask_decoder.')) return { family: 'SAM', kind: 'sams' };
  if (index.startsWith('style_embedding')) return { family: 'Style', kind: 'style_models' };
  return { family: 'unknown', kind: 'other' };
}
