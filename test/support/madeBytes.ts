/** Bytes of which no two stretches are alike: a linear congruential sequence, written as 32-bit words. */
export function madeBytes(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(size / 4) * 4);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let state = seed;
  for (let at = 0; at < words.length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[at] = state;
  }
  return bytes.subarray(0, size);
}
