import type { OperationOutput } from '../lib/operations/index.ts';
import { formatBytes } from '../lib/shared/units.ts';
import type { Column } from './fitTable.ts';
import { type OutputOptions, table } from './output.ts';

type Stored = NonNullable<OperationOutput<'showVersion'>['files'][number]['blob']>;

/** What storing a file found out about it. */
type FileAnalysis = { readonly file: string } & {
  readonly [Name in 'format' | 'family' | 'dtypes' | 'parameters' | 'compressibility' | 'packedBytes']?:
    | Stored[Name]
    | undefined;
};

/** A second table for people; `--json` has the same members in each file's record. */
export function printAnalyses(options: OutputOptions, files: readonly FileAnalysis[]): void {
  if (options.json === true || options.quiet === true) return;
  const columns: readonly Column[] = [
    ['FILE', 'text'],
    'FORMAT',
    'FAMILY',
    ['DTYPES', 'spare'],
    ['PARAMETERS', 'spare'],
    ['COMPRESSES TO', 'spare'],
  ];
  const rows = files.map(({ file, format, family, dtypes, parameters, compressibility, packedBytes }) => [
    file,
    format ?? '',
    family ?? '',
    dtypes === undefined ? '' : shares(dtypes),
    parameters === undefined ? '' : inSi(parameters),
    sizeText(compressibility, packedBytes),
  ]);
  process.stdout.write(`\n${table(columns, rows)}`);
}

/** An estimate, or where the origin lies packed what it takes. */
function sizeText(compressibility: FileAnalysis['compressibility'], packedBytes: FileAnalysis['packedBytes']): string {
  if (compressibility === undefined) return '';
  const share = `${(compressibility.ratio * 100).toFixed(0)} %`;
  return packedBytes === undefined
    ? share
    : `${share}, packed by ${compressibility.encoding}: ${formatBytes(packedBytes)}`;
}

/** Of the bytes of all tensors, the largest first: `BF16 98 %, F32 2 %`. */
function shares(dtypes: Readonly<Record<string, number>>): string {
  const total = Object.values(dtypes).reduce((sum, bytes) => sum + bytes, 0);
  return Object.entries(dtypes)
    .sort(([, a], [, b]) => b - a)
    .map(([dtype, bytes]) => `${dtype} ${total === 0 ? 0 : Math.round((bytes / total) * 100)} %`)
    .join(', ');
}

/** `6.74 G` */
function inSi(count: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return power === 0 ? String(count) : `${(count / 1000 ** power).toFixed(2)}${units[power]}`;
}
