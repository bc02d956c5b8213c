/** The only source of randomness, so that a simulated run repeats from its seed. */
export interface Random {
  /** Uniform in [0, 1). */
  number(): number;
  /** A fresh 128-bit id in lower-case hex. */
  id(): string;
}
