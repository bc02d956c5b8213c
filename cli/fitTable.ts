import { cutTo, textWidth } from './textWidth.ts';

/** A column of a table: its heading, and what may become of it where the terminal is too narrow for the whole table. */
export type Column = string | readonly [heading: string, room: Room];

/**
 * `text`: its cells are shortened, and end in `…`; to less than can be read well only where nothing may be spared any more.
 * `spare`: left out, those to the right first. Any other is shown whole: names and ids are copied, and what is to be done is read
 * to its end.
 */
export type Room = 'spare' | 'text';

export interface FittedTable {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Headings of what was left out, but for columns without any text. */
  readonly leftOut: readonly string[];
}

const BETWEEN = 2;
/** Columns of the terminal that a shortened cell takes, at least: as long as others may be spared, and at all. */
const READABLE = 32;
const LEAST = 12;

/** What of a table `width` columns of a terminal hold: nothing of a cell stands in a second line as long as anything may be spared. */
export function fitTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): FittedTable {
  let shown = columns.map((column, place) => {
    const [heading, room] = typeof column === 'string' ? [column, undefined] : column;
    const cells = rows.map((row) => row[place] ?? '');
    return { heading, room, cells, empty: cells.every((cell) => cell === ''), wide: widest(heading, cells) };
  });
  const excess = () => shown.reduce((sum, { wide }) => sum + wide + BETWEEN, -BETWEEN) - width;
  const excessAtBest = () =>
    shown.reduce((sum, { room, wide }) => sum - (room === 'text' ? Math.max(0, wide - READABLE) : 0), excess());
  const leftOut: string[] = [];
  if (excess() > 0) shown = shown.filter(({ empty }) => !empty);
  for (let spare = spareOf(shown); excessAtBest() > 0 && spare !== undefined; spare = spareOf(shown)) {
    leftOut.unshift(spare.heading);
    shown = shown.filter((column) => column !== spare);
  }
  const texts = shown.filter(({ room }) => room === 'text').toSorted((one, other) => other.wide - one.wide);
  for (const least of [READABLE, LEAST]) {
    for (const text of texts) {
      const floor = Math.min(text.wide, Math.max(least, textWidth(text.heading)));
      text.wide = Math.max(floor, text.wide - Math.max(0, excess()));
    }
  }
  for (const text of texts) text.cells = text.cells.map((cell) => cutTo(cell, text.wide));
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
  return Math.max(...[heading, ...cells].map(textWidth));
}
