import { type CachingError, cachingError } from '../errors.ts';
import { NO_GROUP } from '../policy.ts';
import type { AccessBatch } from './accessBatch.ts';

interface TraceColumns {
  readonly separator: string;
  readonly id: number;
  readonly size: number;
  readonly bytesPerUnit: number;
  /** Absent where the trace names no user groups. */
  readonly group: number | undefined;
}

const ID_NAMES = ['id', 'lbn', 'object', 'obj_id'];
/** Of a line that is no row: it may be anything. */
const MOST_SHOWN = 40;
const GROUP_NAMES = ['group', 'user_group'];
const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ['size', 1],
  ['size_bytes', 1],
  ['bytes', 1],
  ['size_kib', 1024],
]);

/**
 * Turns the lines of a trace into batches of accesses. Columns are `time,id,size[,group]`, comma or tab separated; a header
 * may name them in any order (`lbn` is an id, `size_kib` counts KiB, `seq` is a time). Accesses count in the order of the
 * lines: the time column is not read. Ids and groups become integers in the order of their first appearance; one parser
 * keeps the numbers over several readings of its trace.
 */
export class TraceParser {
  readonly #objects = new Map<string, number>();
  readonly #groups = new Map<string, number>();
  #columns: TraceColumns | undefined;
  #line = 0;

  /** Call before each reading of the file. */
  rewind(): void {
    this.#columns = undefined;
    this.#line = 0;
  }

  /** @throws CachingError `bad-trace` with the line number */
  parse(lines: readonly string[]): AccessBatch {
    const object = new Int32Array(lines.length);
    const bytes = new Float64Array(lines.length);
    const group = new Int32Array(lines.length);
    let length = 0;
    for (const line of lines) {
      this.#line += 1;
      const text = line.endsWith('\r') ? line.slice(0, -1) : line;
      if (text === '') continue;
      const fields = this.#fieldsOf(text);
      if (fields === undefined) continue;
      const { columns, cells } = fields;
      object[length] = numberOf(this.#objects, this.#cell(cells, columns.id));
      bytes[length] = this.#size(this.#cell(cells, columns.size)) * columns.bytesPerUnit;
      group[length] = columns.group === undefined ? NO_GROUP : this.#group(cells[columns.group] ?? '');
      length += 1;
    }
    return { length, object, bytes, group };
  }

  /** Undefined for the header. */
  #fieldsOf(text: string): { columns: TraceColumns; cells: string[] } | undefined {
    if (this.#columns !== undefined) return { columns: this.#columns, cells: text.split(this.#columns.separator) };
    const separator = text.includes('\t') ? '\t' : ',';
    const cells = text.split(separator);
    const names = cells.map((cell) => cell.trim().toLowerCase());
    const size = names.findIndex((name) => SIZE_UNITS.has(name));
    if (size < 0) {
      if (Number.isNaN(Number(cells[2]))) {
        const known = [...SIZE_UNITS.keys()].join(', ');
        throw this.#error(`neither time,id,size[,group] nor a header with a size (${known}): ${shown(text)}`);
      }
      this.#columns = { separator, id: 1, size: 2, bytesPerUnit: 1, group: cells.length > 3 ? 3 : undefined };
      return { columns: this.#columns, cells };
    }
    const id = names.findIndex((name) => ID_NAMES.includes(name));
    if (id < 0) throw this.#error(`the header has no id column (${ID_NAMES.join(', ')})`);
    const group = names.findIndex((name) => GROUP_NAMES.includes(name));
    const bytesPerUnit = SIZE_UNITS.get(names[size] ?? '') ?? 1;
    this.#columns = { separator, id, size, bytesPerUnit, group: group < 0 ? undefined : group };
    return undefined;
  }

  #cell(cells: readonly string[], column: number): string {
    const cell = cells[column];
    if (cell === undefined || cell === '') throw this.#error(`column ${column + 1} is missing`);
    return cell;
  }

  #size(text: string): number {
    const size = Number(text);
    if (!(size > 0)) throw this.#error(`size ${shown(text)} is not a positive number`);
    return size;
  }

  #group(text: string): number {
    return text === '' ? NO_GROUP : numberOf(this.#groups, text);
  }

  #error(message: string): CachingError {
    return cachingError('bad-trace', `line ${this.#line}: ${message}`);
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text);
}

function numberOf(numbers: Map<string, number>, key: string): number {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  const next = numbers.size;
  // A piece of a line keeps the whole chunk of the file alive that it was cut from; a piece of its own copy keeps that alone.
  numbers.set(` ${key}`.slice(1), next);
  return next;
}
