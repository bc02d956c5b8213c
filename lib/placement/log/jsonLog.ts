import * as z from 'zod/mini';
import { type AccessRecord, bytesOf, type LineReader } from './accessRecord.ts';
import { noOperation, noTime, operationWord, parseTimeText } from './plainFields.ts';

/** One line of our own format, `time,object,bytes,op,region,host` as an object. */
const PlainLine = z.object({
  time: z.union([z.number(), z.string()]),
  object: z.string(),
  bytes: z.optional(z.number()),
  op: z.optional(z.string()),
  host: z.optional(z.string()),
});

/** A CloudTrail data event of S3; other fields are of no use here. */
const CloudTrailEvent = z.object({
  eventTime: z.string(),
  eventSource: z.string(),
  eventName: z.string(),
  errorCode: z.optional(z.string()),
  sourceIPAddress: z.optional(z.string()),
  requestParameters: z.nullish(z.object({ bucketName: z.optional(z.string()), key: z.optional(z.string()) })),
  additionalEventData: z.nullish(
    z.object({ bytesTransferredOut: z.optional(z.number()), bytesTransferredIn: z.optional(z.number()) }),
  ),
});
type CloudTrailEvent = z.infer<typeof CloudTrailEvent>;

/** CloudTrail delivers files of one line `{"Records":[…]}`; queries over them deliver one event a line. */
const CloudTrailFile = z.object({ Records: z.array(z.unknown()) });

/** Reads a line of JSON: our own format, a CloudTrail event, or a whole CloudTrail file. */
export const readJsonLine: LineReader = (line) => {
  const json = parseJson(line);
  const file = CloudTrailFile.safeParse(json);
  if (!file.success) return readOne(json);
  const records: AccessRecord[] = [];
  for (const record of file.data.Records) {
    const read = readOne(record);
    if (typeof read === 'string') return read;
    records.push(...read);
  }
  return records;
};

function readOne(json: unknown): readonly AccessRecord[] | string {
  const event = CloudTrailEvent.safeParse(json);
  if (event.success) return cloudTrailRecords(event.data);
  const plain = PlainLine.safeParse(json);
  if (!plain.success) {
    return json === undefined ? 'it is no JSON' : 'it is neither a CloudTrail event nor has it a time and an object';
  }
  const { time, object, bytes, op, host } = plain.data;
  const at = parseTimeText(String(time));
  const word = operationWord(op);
  if (at === undefined) return noTime(String(time));
  if (word === undefined) return noOperation(op);
  return [{ at, object, op: word, objectBytes: bytesOf(bytes?.toString()), readBytes: undefined, host }];
}

function cloudTrailRecords(event: CloudTrailEvent): readonly AccessRecord[] | string {
  const at = Date.parse(event.eventTime);
  if (Number.isNaN(at)) return noTime(event.eventTime);
  const { bucketName, key } = event.requestParameters ?? {};
  const op = CLOUDTRAIL_OPERATIONS.get(event.eventName);
  const refused = event.errorCode !== undefined || event.eventSource !== 's3.amazonaws.com';
  if (op === undefined || refused || bucketName === undefined || key === undefined) return [];
  const { bytesTransferredIn, bytesTransferredOut } = event.additionalEventData ?? {};
  return [
    {
      at,
      object: `${bucketName}/${key}`,
      op,
      // Of a put the bytes are the object; a read may be a range, so the largest one seen stands for the size.
      objectBytes: op === 'write' ? positive(bytesTransferredIn) : undefined,
      readBytes: op === 'read' ? bytesTransferredOut : undefined,
      host: event.sourceIPAddress,
    },
  ];
}

const CLOUDTRAIL_OPERATIONS: ReadonlyMap<string, AccessRecord['op']> = new Map([
  ['GetObject', 'read'],
  ['PutObject', 'write'],
  ['CopyObject', 'write'],
  ['CompleteMultipartUpload', 'write'],
  ['DeleteObject', 'delete'],
]);

function positive(bytes: number | undefined): number | undefined {
  return bytes === undefined || bytes <= 0 ? undefined : bytes;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
