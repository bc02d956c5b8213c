import { type AccessRecord, bytesOf, type LineReader } from './accessRecord.ts';

/*
 * S3 server access logs: owner, bucket, [time], address, requester, request id, operation, key, "request", status, error, bytes sent,
 * object size, … https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
 */
const LINE =
  /^\S+ (?<bucket>\S+) \[(?<time>[^\]]+)\] (?<address>\S+) \S+ \S+ (?<operation>\S+) (?<key>\S+) (?:"(?:[^"\\]|\\.)*"|-) (?<status>\d{3}|-) \S+ (?<sent>\S+) (?<size>\S+)(?: |$)/;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TIME = /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/;

export function looksLikeS3AccessLog(line: string): boolean {
  return LINE.test(line);
}

export const readS3AccessLine: LineReader = (line) => {
  const fields = LINE.exec(line)?.groups;
  if (fields === undefined) return 'it is no line of an S3 access log';
  const { bucket = '', time = '', address, operation = '', key = '', status = '', sent, size } = fields;
  const at = parseTime(time);
  if (at === undefined) return `its time is ${JSON.stringify(time)}, not as in 06/Feb/2019:00:00:38 +0000`;
  const op = operationOf(operation);
  if (op === undefined || key === '-' || !/^2\d\d$/.test(status)) return [];
  const record: AccessRecord = {
    at,
    object: `${bucket}/${key}`,
    op,
    objectBytes: op === 'delete' ? undefined : bytesOf(size),
    readBytes: op === 'read' ? bytesOf(sent) : undefined,
    host: address,
  };
  return [record];
};

/** Reads and writes by clients and by S3 itself (lifecycle expiry is `S3.EXPIRE.OBJECT`). */
function operationOf(operation: string): AccessRecord['op'] | undefined {
  switch (operation) {
    case 'REST.GET.OBJECT':
    case 'WEBSITE.GET.OBJECT':
      return 'read';
    case 'REST.PUT.OBJECT':
    case 'REST.COPY.OBJECT':
    case 'REST.POST.UPLOAD':
      return 'write';
    case 'REST.DELETE.OBJECT':
    case 'BATCH.DELETE.OBJECT':
    case 'S3.EXPIRE.OBJECT':
      return 'delete';
    default:
      return undefined;
  }
}

/** `06/Feb/2019:00:00:38 +0000` */
function parseTime(text: string): number | undefined {
  const parts = TIME.exec(text);
  if (parts === null) return undefined;
  const [, day, month = '', year, hour, minute, second, sign, zoneHours, zoneMinutes] = parts;
  const index = MONTHS.indexOf(month);
  if (index < 0) return undefined;
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return Date.UTC(Number(year), index, Number(day), Number(hour), Number(minute), Number(second)) - zone;
}
