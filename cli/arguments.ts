import { InvalidArgumentError } from 'commander';
import { DAY_MS, EpochMs, HOUR_MS, MINUTE_MS, parseSize } from '../lib/shared/units.ts';

// What commands take as arguments. What is none is a usage error that says what would be one.

export function notNegative(text: string): number {
  const value = numberOf(text);
  if (value >= 0) return value;
  throw new InvalidArgumentError('must be a number, zero or more.');
}

export function positive(text: string): number {
  const value = numberOf(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('must be a number above zero.');
}

export function share(text: string): number {
  const value = numberOf(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('must be a number above 0, and 1 at most.');
}

export function positiveInteger(text: string): number {
  const value = numberOf(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('must be a whole number above zero.');
}

/** `500GB`, `4TiB` or bytes. */
export function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes >= 1) return bytes;
  throw new InvalidArgumentError('must be a size, such as 500GB.');
}

export function moment(text: string): EpochMs {
  // Otherwise "-1" would be a day of 2001.
  const at = EpochMs.safeParse(/^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : undefined);
  if (at.success) return at.data;
  throw new InvalidArgumentError('must be a date, such as 2027-12-31.');
}

/** `10m`, `5h`, `2d` in milliseconds. */
export function duration(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([mhd])$/.exec(text) ?? [];
  const ms = Number(count) * ({ m: MINUTE_MS, h: HOUR_MS, d: DAY_MS }[unit ?? ''] ?? Number.NaN);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('must be a time such as 10m, 5h or 2d.');
}

/** Not a number where there is none, or none that is finite. */
function numberOf(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : Number.NaN;
}
