import type { Tensor } from './tensors.ts';

const WIDTHS = [128, 256, 512, 512] as const;
const LATENT = 4;

/** The tensors of Stable Diffusion's autoencoder (kl-f8) as diffusers names and shapes them. */
export function vaeTensors(): readonly Tensor[] {
  return [
    ...encoder(),
    ...decoder(),
    ...convolution('quant_conv', 2 * LATENT, 2 * LATENT, 1),
    ...convolution('post_quant_conv', LATENT, LATENT, 1),
  ];
}

function encoder(): readonly Tensor[] {
  const blocks = WIDTHS.flatMap((width, level) => {
    const input = WIDTHS[level - 1] ?? WIDTHS[0];
    const block = `encoder.down_blocks.${level}`;
    return [
      ...residual(`${block}.resnets.0`, input, width),
      ...residual(`${block}.resnets.1`, width, width),
      ...(level < 3 ? convolution(`${block}.downsamplers.0.conv`, width, width, 3) : []),
    ];
  });
  return [
    ...convolution('encoder.conv_in', 3, WIDTHS[0], 3),
    ...blocks,
    ...middle('encoder.mid_block'),
    ...norm('encoder.conv_norm_out', WIDTHS[3]),
    ...convolution('encoder.conv_out', WIDTHS[3], 2 * LATENT, 3),
  ];
}

function decoder(): readonly Tensor[] {
  const widths = WIDTHS.toReversed();
  const blocks = widths.flatMap((width, level) => {
    const input = widths[level - 1] ?? width;
    const block = `decoder.up_blocks.${level}`;
    return [
      ...residual(`${block}.resnets.0`, input, width),
      ...residual(`${block}.resnets.1`, width, width),
      ...residual(`${block}.resnets.2`, width, width),
      ...(level < 3 ? convolution(`${block}.upsamplers.0.conv`, width, width, 3) : []),
    ];
  });
  return [
    ...convolution('decoder.conv_in', LATENT, WIDTHS[3], 3),
    ...middle('decoder.mid_block'),
    ...blocks,
    ...norm('decoder.conv_norm_out', WIDTHS[0]),
    ...convolution('decoder.conv_out', WIDTHS[0], 3, 3),
  ];
}

function middle(name: string): readonly Tensor[] {
  const width = WIDTHS[3];
  const attention = `${name}.attentions.0`;
  return [
    ...residual(`${name}.resnets.0`, width, width),
    ...norm(`${attention}.group_norm`, width),
    ...['to_q', 'to_k', 'to_v', 'to_out.0'].flatMap((part) => linear(`${attention}.${part}`, width, width)),
    ...residual(`${name}.resnets.1`, width, width),
  ];
}

function residual(name: string, input: number, output: number): readonly Tensor[] {
  return [
    ...norm(`${name}.norm1`, input),
    ...convolution(`${name}.conv1`, input, output, 3),
    ...norm(`${name}.norm2`, output),
    ...convolution(`${name}.conv2`, output, output, 3),
    ...(input === output ? [] : convolution(`${name}.conv_shortcut`, input, output, 1)),
  ];
}

function convolution(name: string, input: number, output: number, kernel: number): readonly Tensor[] {
  return [
    { name: `${name}.weight`, shape: [output, input, kernel, kernel] },
    { name: `${name}.bias`, shape: [output] },
  ];
}

function linear(name: string, input: number, output: number): readonly Tensor[] {
  return [
    { name: `${name}.weight`, shape: [output, input] },
    { name: `${name}.bias`, shape: [output] },
  ];
}

function norm(name: string, width: number): readonly Tensor[] {
  return [
    { name: `${name}.weight`, shape: [width] },
    { name: `${name}.bias`, shape: [width] },
  ];
}
