/** Tosses of a coin that fall alike in each run with the same number; a linear congruential generator. */
export function seededCoin(number: number): () => boolean {
  let seed = number * 2_654_435_761;
  return () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % 2 === 0;
  };
}
