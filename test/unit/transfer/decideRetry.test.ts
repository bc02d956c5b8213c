import { describe, expect, it } from 'vitest';
import { decideRetry, NO_RETRIES, RETRY_LIMITS } from '../../../lib/adapters/transfer/decideRetry.ts';
import { classifyRefusal, type FailureKind } from '../../../lib/adapters/transfer/failures.ts';

const failure = (kind: FailureKind) => ({ kind, message: kind });
const decide = (kind: FailureKind, counts = NO_RETRIES, progress = 0) =>
  decideRetry(failure(kind), counts, progress, 0.5);

describe('after a failed try', () => {
  it.each(['connect', 'broken-off', 'stalled', 'server-error', 'slow-down'] as const)(
    '%s is tried again with growing pauses, until it has failed too often in a row',
    (kind) => {
      const pauses = [0, 1, 2, 3, 4].map((attempts) => {
        const decision = decide(kind, { ...NO_RETRIES, attempts });
        return decision.is === 'again' ? decision.afterMs : 'none';
      });
      expect(pauses).toEqual([150, 300, 600, 1200, 2400]);
      expect(decide(kind, { ...NO_RETRIES, attempts: 5 })).toEqual({ is: 'give-up', retryable: true });
    },
  );

  it.each(['wrong-range', 'malformed'] as const)('%s is tried once more, then it is an answer', (kind) => {
    const again = decide(kind);
    expect(again).toMatchObject({ is: 'again' });
    expect(again.is === 'again' && decide(kind, again.counts)).toEqual({ is: 'give-up', retryable: false });
  });

  it('unauthorized is met with new rights, twice', () => {
    expect(decide('unauthorized')).toMatchObject({ is: 'renew', counts: { renewals: 1 } });
    expect(decide('unauthorized', { ...NO_RETRIES, renewals: 2 })).toEqual({ is: 'give-up', retryable: false });
  });

  it('slow moves to another connection at once, three times, however much came in between', () => {
    expect(decide('slow', NO_RETRIES, 1e9)).toMatchObject({ is: 'again', afterMs: 0, counts: { slowMoves: 1 } });
    expect(decide('slow', { ...NO_RETRIES, slowMoves: 3 }, 1e9)).toEqual({ is: 'give-up', retryable: true });
  });

  it.each([
    'absent',
    'archived',
    'changed',
    'beyond-end',
    'no-ranges',
    'no-length',
    'too-long',
    'too-large',
    'encoded',
    'redirects',
    'tls',
    'refused',
    'no-space',
    'disk-error',
    'cancelled',
  ] as const)('%s is final', (kind) => expect(decide(kind)).toEqual({ is: 'give-up', retryable: false }));

  it('bytes that came make the earlier failures count no more; a trickle does not', () => {
    const worn = { ...NO_RETRIES, attempts: 5, renewals: 2 };
    expect(decide('broken-off', worn, RETRY_LIMITS.progressBytes)).toMatchObject({
      is: 'again',
      counts: { attempts: 1 },
    });
    expect(decide('unauthorized', worn, RETRY_LIMITS.progressBytes)).toMatchObject({ is: 'renew' });
    expect(decide('broken-off', worn, RETRY_LIMITS.progressBytes - 1)).toMatchObject({ is: 'give-up' });
  });

  it('waits as long as the server asks, within reason', () => {
    const asked = (retryAfterMs: number) => decideRetry({ ...failure('slow-down'), retryAfterMs }, NO_RETRIES, 0, 0);
    expect(asked(5000)).toMatchObject({ afterMs: 5000 });
    expect(asked(86_400_000)).toMatchObject({ afterMs: RETRY_LIMITS.mostPauseMs });
  });
});

describe('what a refusal says', () => {
  const s3 = (code: string) => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>…</Message></Error>`;
  it.each([
    [404, s3('NoSuchKey'), 'absent'],
    [404, s3('NoSuchVersion'), 'absent'],
    [405, s3('MethodNotAllowed'), 'absent'],
    [403, s3('InvalidObjectState'), 'archived'],
    [403, '{"code":"archived"}', 'archived'],
    [403, s3('AccessDenied'), 'unauthorized'],
    [400, s3('ExpiredToken'), 'unauthorized'],
    [400, s3('AuthorizationHeaderMalformed'), 'unauthorized'],
    [301, s3('PermanentRedirect'), 'unauthorized'],
    [401, '', 'unauthorized'],
    [412, s3('PreconditionFailed'), 'changed'],
    [416, s3('InvalidRange'), 'beyond-end'],
    [503, s3('SlowDown'), 'slow-down'],
    [429, '', 'slow-down'],
    [500, s3('InternalError'), 'server-error'],
    [408, '', 'server-error'],
    [400, s3('InvalidArgument'), 'refused'],
    [304, '', 'refused'],
  ])('%i %s', (status, body, kind) => expect(classifyRefusal(status, new Map(), body)).toMatchObject({ kind }));

  it('names the region of the bucket and how long to wait', () => {
    const headers = new Map([
      ['x-amz-bucket-region', 'eu-west-1'],
      ['retry-after', '7'],
    ]);
    expect(classifyRefusal(301, headers, s3('PermanentRedirect'))).toEqual({
      kind: 'unauthorized',
      message: 'HTTP 301 PermanentRedirect',
      region: 'eu-west-1',
      retryAfterMs: 7000,
    });
    const body = '<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-west-2</Region></Error>';
    expect(classifyRefusal(400, new Map(), body)).toMatchObject({ region: 'us-west-2' });
  });
});
