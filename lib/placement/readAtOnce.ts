import type { Rates } from './rates.ts';

/**
 * Whether an origin can be read as it lies: its class wants no restore, and its bytes need not be unpacked. Whoever is about to read one
 * asks this.
 */
export function isReadAtOnce(
  { storageClass, packed }: { readonly storageClass: string; readonly packed?: unknown },
  rates: Rates,
): boolean {
  return packed === undefined && rates.of(storageClass).instant;
}
