import { describe, expect, it } from 'vitest';
import { Histories, LogReader, PlacementError } from '../../../lib/placement/index.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';

/** The examples of the S3 user guide's page on the log format, with their ids shortened. */
const S3_LOG = [
  '79a5 amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 79a5 3E57427F3EXAMPLE REST.GET.VERSIONING - "GET /amzn-s3-demo-bucket1?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - s9lz= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 - -',
  '79a5 amzn-s3-demo-bucket1 [06/Feb/2019:02:01:57 +0200] 192.0.2.3 79a5 DD6CC733AEXAMPLE REST.PUT.OBJECT s3-dg.pdf "PUT /amzn-s3-demo-bucket1/s3-dg.pdf HTTP/1.1" 200 - - 4406583 41754 28 "-" "S3Console/0.4" - 10S62= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 - -',
  '79a5 amzn-s3-demo-bucket1 [08/Feb/2019:00:03:21 +0000] 192.0.2.3 79a5 BC3C074D0EXAMPLE REST.GET.OBJECT s3-dg.pdf "GET /amzn-s3-demo-bucket1/s3-dg.pdf?x=\\"y\\" HTTP/1.1" 206 - 2203292 4406583 28 - "-" "agent with spaces" - BNaBs= SigV2 ECDHE - host TLSV1.2 - -',
  '79a5 amzn-s3-demo-bucket1 [08/Feb/2019:00:03:22 +0000] 192.0.2.3 79a5 BC3C074D0EXAMPLE REST.GET.OBJECT s3-dg.pdf "GET /amzn-s3-demo-bucket1/s3-dg.pdf HTTP/1.1" 206 - 2203291 4406583 28 - "-" "agent" - BNaBs= SigV2 ECDHE - host TLSV1.2 - -',
  '79a5 amzn-s3-demo-bucket1 [09/Feb/2019:00:03:22 +0000] 192.0.2.3 79a5 BC3C074D0EXAMPLE REST.GET.OBJECT missing "GET /amzn-s3-demo-bucket1/missing HTTP/1.1" 404 NoSuchKey 297 - 28 - "-" "agent" - BNaBs= SigV2 ECDHE - host TLSV1.2 - -',
  '79a5 amzn-s3-demo-bucket1 [10/Feb/2019:00:03:22 +0000] - - BC3C074D0EXAMPLE BATCH.DELETE.OBJECT s3-dg.pdf - 204 - - - - - - - - BNaBs= - - - - - - -',
];

/** Shortened from the CloudTrail user guide's data events of S3. */
const CLOUDTRAIL = JSON.stringify({
  Records: [
    {
      eventVersion: '1.09',
      eventTime: '2024-03-01T10:00:00Z',
      eventSource: 's3.amazonaws.com',
      eventName: 'PutObject',
      requestParameters: { bucketName: 'models', key: 'a.safetensors' },
      additionalEventData: { bytesTransferredIn: 1000, bytesTransferredOut: 0 },
    },
    {
      eventTime: '2024-03-02T10:00:00Z',
      eventSource: 's3.amazonaws.com',
      eventName: 'GetObject',
      requestParameters: { bucketName: 'models', key: 'a.safetensors' },
      additionalEventData: { bytesTransferredIn: 0, bytesTransferredOut: 1000 },
    },
    {
      eventTime: '2024-03-02T11:00:00Z',
      eventSource: 's3.amazonaws.com',
      eventName: 'GetObject',
      errorCode: 'AccessDenied',
      requestParameters: { bucketName: 'models', key: 'a.safetensors' },
    },
    {
      eventTime: '2024-03-05T10:00:00Z',
      eventSource: 's3.amazonaws.com',
      eventName: 'ListObjects',
      requestParameters: null,
    },
  ],
});

function replayObjects(lines: readonly string[], defaultBytes?: number) {
  const histories = new Histories(DAY_MS);
  const reader = new LogReader();
  for (const line of lines) for (const record of reader.read(line)) histories.add(record);
  return { objects: histories.objects(defaultBytes), badLines: reader.badLines };
}

const day = (date: string): number => Date.parse(date) / DAY_MS;

describe('access logs', () => {
  it('of S3 are read: ranges add up, failures and other requests do not count, a delete ends a life', () => {
    const { objects, badLines } = replayObjects(S3_LOG);
    expect(badLines).toBe(0);
    expect(objects).toEqual([
      {
        bytes: 4_406_583,
        history: {
          // 02:01:57 +0200 is 00:01:57 of the same day.
          startStep: day('2019-02-06'),
          endStep: day('2019-02-11'),
          steps: [day('2019-02-08')],
          counts: [1],
          deleted: true,
        },
      },
    ]);
  });

  it('of CloudTrail are read as files and as single events', () => {
    const records: unknown[] = JSON.parse(CLOUDTRAIL).Records;
    const asFile = replayObjects([CLOUDTRAIL]);
    const asLines = replayObjects(records.map((record) => JSON.stringify(record)));
    expect(asFile.objects).toEqual([
      {
        bytes: 1000,
        history: {
          startStep: day('2024-03-01'),
          endStep: day('2024-03-03'),
          steps: [day('2024-03-02')],
          counts: [1],
          deleted: false,
        },
      },
    ]);
    expect(asLines).toEqual(asFile);
  });

  it('of our own kind are read as CSV and as JSON, in seconds, milliseconds and ISO dates', () => {
    const csv = [
      'time,object,bytes,op,region,host',
      '1735689600,a,100,write,eu-west-1,',
      '1735776000000,a,100,,eu-west-1,h1',
      '2025-01-03T00:00:00Z,a,100,get,eu-west-1,h1',
    ];
    const json = [
      '{"time":1735689600,"object":"a","bytes":100,"op":"write"}',
      '{"time":"1735776000000","object":"a","bytes":100}',
      '{"time":"2025-01-03T00:00:00Z","object":"a","bytes":100,"op":"get"}',
    ];
    const expected = [
      {
        bytes: 100,
        history: {
          startStep: day('2025-01-01'),
          endStep: day('2025-01-04'),
          steps: [day('2025-01-02'), day('2025-01-03')],
          counts: [1, 1],
          deleted: false,
        },
      },
    ];
    expect(replayObjects(csv).objects).toEqual(expected);
    expect(replayObjects(json).objects).toEqual(expected);
  });

  it('take the aliases of trace headers, with sizes in KiB', () => {
    const { objects } = replayObjects(['seq\tid\tsize_kib', '5\tB000\t2', '6\tB000\t2']);
    expect(objects).toEqual([
      { bytes: 2048, history: { startStep: 0, endStep: 1, steps: [0], counts: [2], deleted: false } },
    ]);
  });

  it('count what they cannot understand, and go on', () => {
    const { objects, badLines } = replayObjects(['time,object,bytes', 'yesterday,a,1', '86400,a,1', '86400,,1']);
    expect(badLines).toBe(2);
    expect(objects).toHaveLength(1);
  });

  it('are refused when no line tells the time or the object, or no size is known', () => {
    expect(() => replayObjects(['time,size', '1,2'])).toThrow(PlacementError);
    expect(() => replayObjects(['time,object', '1,a'])).toThrow(/--bytes/);
    expect(replayObjects(['time,object', '1,a'], 7).objects[0]?.bytes).toBe(7);
  });

  it('may come out of order', () => {
    const { objects } = replayObjects(['time,object,bytes', '432000,a,1', '86400,a,1', '432001,a,1']);
    expect(objects[0]?.history).toMatchObject({ startStep: 1, steps: [1, 5], counts: [1, 2] });
  });

  it('tell of sizes and lives also by what caches answered, and on which days the reads are open', () => {
    const histories = new Histories(DAY_MS);
    const read = (day: number, objectBytes: number, reach: 'store' | 'cache' | 'either') =>
      histories.add(
        { at: day * DAY_MS, object: 'a', op: 'read', objectBytes, readBytes: undefined, host: 'h1' },
        reach,
      );
    read(1, 5, 'store');
    read(2, 7, 'cache');
    read(3, 5, 'either');
    read(3, 5, 'either');
    read(4, 5, 'either');
    read(4, 5, 'store');
    const [one] = histories.objects();
    const history = { startStep: 1, endStep: 5, steps: [1, 4], counts: [1, 1], maybeSteps: [3], deleted: false };
    expect(one).toEqual({ bytes: 7, history });
  });

  it('let an object that is written again after its delete live a second life', () => {
    const { objects } = replayObjects([
      'time,object,bytes,op',
      '0,a,1,write',
      '86400,a,,delete',
      '172800,a,5,write',
      '259200,b,5,read',
    ]);
    expect(objects.map(({ bytes, history }) => [bytes, history.startStep, history.endStep])).toEqual([
      [1, 0, 2],
      [5, 2, 4],
      [5, 0, 4],
    ]);
  });
});
