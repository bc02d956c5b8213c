export interface TensorFact {
  readonly name: string;
  /** As the format spells it: `BF16`, `Q4_K`, `torch.float16`, `<f4`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}
