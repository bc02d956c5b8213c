/** A column of a table: its heading, and what may become of it where the terminal is too narrow for the whole table. */
export type Column = string | readonly [heading: string, room: Room];

/**
 * `spare`: left out, those to the right first. `text`: its cells are shortened to what is left, and end in `…`. Any other is shown
 * whole: names and ids are copied, and what is to be done is read to its end.
 */
export type Room = 'spare' | 'text';

export interface FittedTable {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Headings of what was left out, but for columns without any text. */
  readonly leftOut: readonly string[];
}

const BETWEEN = 2;
/** Of a shortened cell. */
const LEAST = 12;

/** What of a table `width` characters hold: nothing of a cell stands in a second line as long as anything may be spared. */
export function fitTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): FittedTable {
  let shown = columns.map((column, place) => {
    const [heading, room] = typeof column === 'string' ? [column, undefined] : column;
    const cells = rows.map((row) => row[place] ?? '');
    return { heading, room, cells, empty: cells.every((cell) => cell === ''), wide: widest(heading, cells) };
  });
  const excess = () => shown.reduce((sum, { wide }) => sum + wide + BETWEEN, -BETWEEN) - width;
  const leftOut: string[] = [];
  if (excess() > 0) shown = shown.filter(({ empty }) => !empty);
  for (let spare = spareOf(shown); excess() > 0 && spare !== undefined; spare = spareOf(shown)) {
    leftOut.unshift(spare.heading);
    shown = shown.filter((column) => column !== spare);
  }
  for (const text of shown.filter(({ room }) => room === 'text').toSorted((one, other) => other.wide - one.wide)) {
    const wide = Math.max(LEAST, text.heading.length, text.wide - Math.max(0, excess()));
    if (wide >= text.wide) continue;
    text.wide = wide;
    text.cells = text.cells.map((cell) => (cell.length > wide ? `${cell.slice(0, wide - 1).trimEnd()}…` : cell));
  }
  return {
    headings: shown.map(({ heading }) => heading),
    rows: rows.map((_, place) => shown.map(({ cells }) => cells[place] ?? '')),
    leftOut,
  };
}

function spareOf<One extends { readonly room: Room | undefined }>(shown: readonly One[]): One | undefined {
  return shown.findLast(({ room }) => room === 'spare');
}

function widest(heading: string, cells: readonly string[]): number {
  return Math.max(heading.length, ...cells.map((cell) => cell.length));
}
