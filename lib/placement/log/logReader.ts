import type { AccessRecord, LineReader } from './accessRecord.ts';
import { csvReader } from './csvLog.ts';
import { readJsonLine } from './jsonLog.ts';
import { looksLikeS3AccessLog, readS3AccessLine } from './s3AccessLog.ts';

/** A line that could not be understood; lines count from 1. */
export interface SkippedLine {
  readonly line: number;
  readonly why: string;
}

const MOST_EXAMPLES = 3;

/** Reads one log file line by line; the first line tells the format. Make one for each file. */
export class LogReader {
  /** Lines that could not be understood. */
  badLines = 0;
  /** The first of them. */
  readonly skipped: SkippedLine[] = [];
  /** Accesses that were read. */
  accesses = 0;
  /** Lines so far, of any kind. */
  lines = 0;
  private reader: LineReader | undefined;

  /** Throws `PlacementError` with code `bad-log` when the first line fits no format. */
  read(line: string): readonly AccessRecord[] {
    this.lines += 1;
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text === '') return [];
    if (this.reader === undefined) {
      this.reader = text.startsWith('{')
        ? readJsonLine
        : looksLikeS3AccessLog(text)
          ? readS3AccessLine
          : csvReader(text);
      if (this.reader !== readJsonLine && this.reader !== readS3AccessLine) return [];
    }
    const records = this.reader(text);
    if (typeof records === 'string') {
      this.badLines += 1;
      if (this.skipped.length < MOST_EXAMPLES) this.skipped.push({ line: this.lines, why: records });
      return [];
    }
    this.accesses += records.length;
    return records;
  }
}
