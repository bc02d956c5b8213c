/** One line of an access log, whatever its format. */
export interface AccessRecord {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly object: string;
  readonly op: 'read' | 'write' | 'delete';
  /** The whole object; undefined where the line does not say. */
  readonly objectBytes: number | undefined;
  /** How much of the object a read took; undefined for all of it. Ranged reads add up. */
  readonly readBytes: number | undefined;
  /** Who read it: a host's name, or the address that the log tells. */
  readonly host?: string | undefined;
}

/** Reads one line into records: none for a line that is no access, the reason where it cannot be understood. */
export type LineReader = (line: string) => readonly AccessRecord[] | string;

/** A count of bytes in a log: digits, or nothing where the line says `-` or is empty. */
export function bytesOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === '-') return undefined;
  const bytes = Number(text);
  return Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined;
}
