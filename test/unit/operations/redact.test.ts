import { describe, expect, it } from 'vitest';
import { redacted } from '../../../lib/operations/redact.ts';

describe('what people see of a message', () => {
  it.each([
    [
      'keeps what is no secret',
      { schema: 'place-model/1', key: 'a', version: '1.0.0', size: 3, on: [true, null] },
      undefined,
    ],
    [
      'takes out what secrets are called, however deep',
      { a: [{ secretAccessKey: 'S', sessionToken: 'T', 'x-api-key': 'K', Authorization: 'A', password: 'P' }] },
      {
        a: [
          {
            secretAccessKey: '[redacted]',
            sessionToken: '[redacted]',
            'x-api-key': '[redacted]',
            Authorization: '[redacted]',
            password: '[redacted]',
          },
        ],
      },
    ],
    [
      'takes the rights out of presigned URLs and leaves the rest',
      {
        url: 'https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIA%2F1&X-Amz-Date=2&X-Amz-Signature=abc&X-Amz-Security-Token=t',
      },
      {
        url: 'https://b.s3.amazonaws.com/k?X-Amz-Credential=[redacted]&X-Amz-Date=2&X-Amz-Signature=[redacted]&X-Amz-Security-Token=[redacted]',
      },
    ],
    ['takes out passwords of URLs', { url: 'redis://me:pw@host/0' }, { url: 'redis://[redacted]@host/0' }],
    ['takes out join tokens in texts', ['use strata-join-00ff now'], ['use [redacted] now']],
    [
      'hides no member for its name',
      JSON.parse('{"__proto__":{"a":1},"constructor":{"password":"P"}}'),
      JSON.parse('{"__proto__":{"a":1},"constructor":{"password":"[redacted]"}}'),
    ],
  ])('%s', (_name, body, shown) => {
    expect(JSON.stringify(redacted(JSON.stringify(body)))).toBe(JSON.stringify(shown ?? body));
  });

  it('is what an envelope carries, without its signature', () => {
    const payload = JSON.stringify({ type: 'prefetch', token: 'x' });
    const body = JSON.stringify({ schema: 'signed/1', keyId: 'plane-1', payload, signature: 'A'.repeat(86) });
    expect(redacted(body)).toEqual({
      schema: 'signed/1',
      keyId: 'plane-1',
      payload: { type: 'prefetch', token: '[redacted]' },
      signature: '[redacted]',
    });
  });

  it('is found in a time that grows with the text only', () => {
    const before = process.cpuUsage();
    redacted('a.'.repeat(100_000));
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000);
  });

  it('is text where the body is no JSON, and ends where it nests without end', () => {
    expect(redacted('Bearer abc')).toBe('Bearer [redacted]');
    expect(JSON.stringify(redacted('['.repeat(60) + ']'.repeat(60)))).toContain('[redacted]');
  });
});
