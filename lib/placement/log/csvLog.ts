import { PlacementError } from '../errors.ts';
import { bytesOf, type LineReader } from './accessRecord.ts';
import { noOperation, noTime, operationWord, parseTimeText } from './plainFields.ts';

/** Names that a column may have. A `region` may be there; it is not needed here. */
const COLUMNS = {
  time: ['time', 'ts', 'timestamp', 'seq'],
  object: ['object', 'id', 'key', 'lbn'],
  bytes: ['bytes', 'size', 'size_bytes', 'size_kib'],
  op: ['op', 'operation'],
  host: ['host'],
} as const;

/** Characters of a header that an error shows: it may be the beginning of anything. */
const MOST_SHOWN = 120;

/**
 * A reader for comma- or tab-separated lines under a header such as `time,object,bytes,op,region,host`. Throws `PlacementError` with
 * code `bad-log` when the header lacks the time or the object.
 */
export function csvReader(header: string): LineReader {
  const separator = header.includes('\t') ? '\t' : ',';
  const names = header.split(separator).map((name) => name.trim().toLowerCase());
  const column = (wanted: readonly string[]): number => names.findIndex((name) => wanted.includes(name));
  const { time: times, object: objects } = COLUMNS;
  const [time, object, bytes, op, host] = [times, objects, COLUMNS.bytes, COLUMNS.op, COLUMNS.host].map(column);
  if (time === undefined || object === undefined || time < 0 || object < 0) {
    throw new PlacementError({
      code: 'bad-log',
      message: `The log is neither JSON nor an S3 access log, and its header has no ${time === -1 ? 'time' : 'object'} column: ${JSON.stringify(header.slice(0, MOST_SHOWN))}`,
      retryable: false,
    });
  }
  const unit = names[bytes ?? -1] === 'size_kib' ? 1024 : 1;
  return (line) => {
    const cells = line.split(separator);
    const at = parseTimeText(cells[time]?.trim() ?? '');
    const word = operationWord(cells[op ?? -1]);
    const name = cells[object]?.trim();
    if (at === undefined) return noTime(cells[time]?.trim());
    if (word === undefined) return noOperation(cells[op ?? -1]);
    if (name === undefined || name === '') return 'it names no object';
    const size = bytesOf(cells[bytes ?? -1]?.trim());
    const objectBytes = size === undefined ? undefined : size * unit;
    return [{ at, object: name, op: word, objectBytes, readBytes: undefined, host: cells[host ?? -1]?.trim() }];
  };
}
