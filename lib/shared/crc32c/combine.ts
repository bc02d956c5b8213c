import { POLYNOMIAL } from './kernel.ts';

/** x^0 in the reflected order of CRC-32C. */
const ONE = 0x80000000;

/** The checksum of two pieces in a row from theirs and the length of the second, without their bytes. */
export function combineCrc32c(first: number, second: number, secondLength: number): number {
  let factor = ONE;
  // x^8 for a byte, squared for every binary digit of the length.
  let power = 0x00800000;
  for (let rest = secondLength; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) factor = multiply(factor, power);
    power = multiply(power, power);
  }
  return (multiply(first, factor) ^ second) >>> 0;
}

/** Product of two polynomials modulo that of CRC-32C. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted >>> 1) ^ (shifted & 1 ? POLYNOMIAL : 0);
  }
  return product >>> 0;
}
