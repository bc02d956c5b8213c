import { jsonLine, printable, printableLine } from '../lib/shared/printable.ts';
import { type Column, fitTable, type Room } from './fitTable.ts';
import { padTo, textWidth } from './textWidth.ts';

/** How a command tells its results. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface Listing<Item> {
  /** Of each JSON record; its number grows when a member changes its meaning. */
  readonly schema: string;
  readonly items: readonly Item[];
  /** What `-q` prints of an item. */
  readonly id: (item: Item) => string;
  /** With what may become of it where the terminal is narrow. */
  readonly columns: readonly (readonly [header: string, cell: (item: Item) => string, room?: Room])[];
  /** Printed for people instead of an empty table: what to do next. */
  readonly empty?: string;
}

/** Results on stdout: a table for people, one flat JSON object a line with `--json`, one id a line with `-q`. */
export function print<Item extends object>(options: OutputOptions, listing: Listing<Item>): void {
  const { schema, items, id, columns, empty } = listing;
  if (options.json === true) {
    for (const item of items) tellRecord({ schema, ...item });
  } else if (options.quiet === true) {
    for (const item of items) process.stdout.write(`${printableLine(id(item))}\n`);
  } else if (items.length === 0) {
    if (empty !== undefined) note(empty);
  } else {
    process.stdout.write(
      table(
        columns.map(([header, , room]) => (room === undefined ? header : [header, room])),
        items.map((item) => columns.map(([, cell]) => cell(item))),
      ),
    );
  }
}

/** Of a result, for people: lines that are no table. */
export function tell(text: string): void {
  process.stdout.write(printable(text));
}

/** Of a result, for programs: one line. */
export function tellRecord(record: object): void {
  process.stdout.write(jsonLine(record));
}

/** For people: never on stdout, so that what is piped stays clean. */
export function note(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

/** On a terminal no wider than that, as far as its columns may be spared or shortened; elsewhere whole. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const { columns: across, isTTY } = process.stdout;
  // The terminals of containers and of CI often say 0.
  const width = isTTY && across > 0 ? across : Number.POSITIVE_INFINITY;
  const whole = rows.map((row) => row.map(printableLine));
  const { headings, leftOut, rows: shown } = fitTable(columns, whole, width);
  if (leftOut.length > 0)
    note(`Too wide for this terminal: ${leftOut.join(', ')}. Piped, or with --json, it is whole.`);
  const cells = [headings, ...shown];
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => textWidth(row[column] ?? ''))));
  return cells
    .map((row, index) => {
      const line = row
        .map((cell, column) => padTo(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd();
      return `${index === 0 ? bold(line) : line}\n`;
    })
    .join('');
}

function bold(text: string): string {
  const { NO_COLOR = '', TERM } = process.env;
  const plain = NO_COLOR !== '' || TERM === 'dumb';
  return process.stdout.isTTY && !plain ? `\u001b[1m${text}\u001b[0m` : text;
}

export function ago(at: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - at) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} d ago`;
}
