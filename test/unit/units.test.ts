import { describe, expect, it } from 'vitest';
import { Bytes, formatBytes, formatUsd, Usd } from '../../lib/shared/units.ts';

describe('units', () => {
  it('refuse a fraction of a byte, a negative count and an unsafe integer', () => {
    for (const value of [0.5, -1, 2 ** 53]) expect(Bytes.safeParse(value).success).toBe(false);
    expect(Bytes.parse(2 ** 53 - 1)).toBe(2 ** 53 - 1);
  });

  it('print dollars with cents, and small amounts with four digits', () => {
    expect(formatUsd(Usd.parse(12.345))).toBe('$12.35');
    expect(formatUsd(Usd.parse(-12.345))).toBe('-$12.35');
    expect(formatUsd(Usd.parse(0.000123456))).toBe('$0.0001235');
  });

  it('print bytes in IEC units', () => {
    expect(formatBytes(13_610_516)).toBe('12.98 MiB');
  });
});
