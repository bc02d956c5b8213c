import * as z from 'zod/mini';

/** A count of bytes: a safe integer, zero or more. GB is 10⁹ and GiB is 2³⁰; neither is a unit of storage here. */
export const Bytes = z.number().check(z.int(), z.nonnegative()).brand<'Bytes'>();
export type Bytes = z.infer<typeof Bytes>;

/** A span of time in milliseconds, zero or more. */
export const DurationMs = z.number().check(z.nonnegative()).brand<'DurationMs'>();
export type DurationMs = z.infer<typeof DurationMs>;

/** The last moment that is a date (ECMA-262, TimeClip): a later one could not even be told. */
const LAST_DATE_MS = 8.64e15;

/** Milliseconds since 1970-01-01T00:00:00Z. */
export const EpochMs = z.number().check(z.int(), z.nonnegative(), z.lte(LAST_DATE_MS)).brand<'EpochMs'>();
export type EpochMs = z.infer<typeof EpochMs>;

/** US dollars. Totals are kept unrounded; `formatUsd` is the one place where they are rounded. */
export const Usd = z.number().check(z.refine(Number.isFinite)).brand<'Usd'>();
export type Usd = z.infer<typeof Usd>;

export const UsdPerGbMonth = z.number().check(z.nonnegative()).brand<'UsdPerGbMonth'>();
export type UsdPerGbMonth = z.infer<typeof UsdPerGbMonth>;

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
/** The gigabyte of price lists. */
export const GB = 1_000_000_000;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** The month of price lists: 730 hours. */
export const MONTH_MS = 730 * HOUR_MS;

/** Formats dollars for people: two digits from one cent upwards, four significant digits below. */
export function formatUsd(usd: Usd): string {
  const size = Math.abs(usd);
  const digits = size === 0 || size >= 0.01 ? usd.toFixed(2) : usd.toPrecision(4);
  return usd < 0 ? `-$${digits.slice(1)}` : `$${digits}`;
}

/** Formats bytes in IEC units, as in `12.98 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(2)} ${units[unit]}`;
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: GB,
  tb: 1e12,
  kib: KIB,
  mib: MIB,
  gib: GIB,
  tib: GIB * KIB,
};

/** A size as people write it: `500GB` (10⁹), `450GiB` (2³⁰), `1.5tb`, or plain bytes; `undefined` for what is none. */
export function parseSize(text: string): Bytes | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  const factor = SIZE_UNITS[unit.toLowerCase()];
  return Bytes.safeParse(Math.floor(Number(digits) * (factor ?? Number.NaN))).data;
}
