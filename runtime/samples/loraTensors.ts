import type { Tensor } from './tensors.ts';

const RANK = 4;
const TEXT_WIDTH = 768;
const CONTEXT_WIDTH = 768;

/** The blocks of Stable Diffusion 1.5's U-Net that have attention, with their width. */
const UNET_BLOCKS: readonly (readonly [name: string, attentions: number, width: number])[] = [
  ['down_blocks_0', 2, 320],
  ['down_blocks_1', 2, 640],
  ['down_blocks_2', 2, 1280],
  ['mid_block', 1, 1280],
  ['up_blocks_1', 3, 1280],
  ['up_blocks_2', 3, 640],
  ['up_blocks_3', 3, 320],
];

/** The tensors of a rank-4 LoRA for Stable Diffusion 1.5 as kohya's trainer names and shapes them. */
export function loraTensors(): readonly Tensor[] {
  return [...textEncoderModules(), ...unetModules()].flatMap(([name, input, output]) => [
    { name: `${name}.alpha`, shape: [] },
    {
      name: `${name}.lora_down.weight`,
      shape: name.endsWith('_proj_in') || name.endsWith('_proj_out') ? [RANK, input, 1, 1] : [RANK, input],
    },
    {
      name: `${name}.lora_up.weight`,
      shape: name.endsWith('_proj_in') || name.endsWith('_proj_out') ? [output, RANK, 1, 1] : [output, RANK],
    },
  ]);
}

type Module = readonly [name: string, input: number, output: number];

function textEncoderModules(): readonly Module[] {
  return Array.from({ length: 12 }, (_, layer) => `lora_te_text_model_encoder_layers_${layer}`).flatMap(
    (layer) =>
      [
        [`${layer}_mlp_fc1`, TEXT_WIDTH, 4 * TEXT_WIDTH],
        [`${layer}_mlp_fc2`, 4 * TEXT_WIDTH, TEXT_WIDTH],
        ...['k', 'out', 'q', 'v'].map((part): Module => [`${layer}_self_attn_${part}_proj`, TEXT_WIDTH, TEXT_WIDTH]),
      ] satisfies Module[],
  );
}

function unetModules(): readonly Module[] {
  return UNET_BLOCKS.flatMap(([block, attentions, width]) =>
    Array.from({ length: attentions }, (_, place) => `lora_unet_${block}_attentions_${place}`).flatMap((attention) => {
      const inside = `${attention}_transformer_blocks_0`;
      return [
        [`${attention}_proj_in`, width, width],
        [`${attention}_proj_out`, width, width],
        ...['attn1', 'attn2'].flatMap((layer) =>
          ['to_k', 'to_out_0', 'to_q', 'to_v'].map((part): Module => {
            const crosses = layer === 'attn2' && (part === 'to_k' || part === 'to_v');
            return [`${inside}_${layer}_${part}`, crosses ? CONTEXT_WIDTH : width, width];
          }),
        ),
        // The gated feed-forward layer doubles its inner width.
        [`${inside}_ff_net_0_proj`, width, 8 * width],
        [`${inside}_ff_net_2`, 4 * width, width],
      ] satisfies Module[];
    }),
  );
}
