import { MIB } from '../../lib/shared/units.ts';

/** One use of one blob by a served request. */
export interface BlobUse {
  readonly at: number;
  readonly blob: string;
  readonly kind: string;
  readonly bytes: number;
}

/** `id,kind,…,size_bytes…` by id. */
export function parseSizes(lines: readonly string[]): Map<string, { kind: string; bytes: number }> {
  const [header = '', ...rows] = lines;
  const names = header.split(',');
  const size = names.findIndex((name) => name.startsWith('size_bytes'));
  return new Map(
    rows.map((row) => {
      const cells = row.split(',');
      return [cells[0] ?? '', { kind: cells[1] ?? '', bytes: Number(cells[size]) }];
    }),
  );
}

/** The rows with a time, in order: of each the base, then its LoRAs. A blob without a known size is taken for 200 MiB. */
export function parseUses(lines: readonly string[], sizes: ReturnType<typeof parseSizes>): BlobUse[] {
  const [header = '', ...rows] = lines;
  const names = header.split(',');
  const [ts, base, loras] = ['ts', 'base', 'loras'].map((name) => names.indexOf(name));
  return rows.flatMap((row) => {
    const cells = row.split(',');
    const time = cells[ts ?? -1] ?? '';
    if (time === '') return [];
    const blobs = [cells[base ?? -1] ?? '', ...(cells[loras ?? -1] ?? '').split('|')];
    return blobs
      .filter((blob) => blob !== '')
      .map((blob) => ({
        at: Number(time) * 1000,
        blob,
        ...(sizes.get(blob) ?? { kind: 'unknown', bytes: 200 * MIB }),
      }));
  });
}
