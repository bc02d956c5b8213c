import { array, assert, integer, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChunkedBody } from '../../../lib/adapters/transfer/http/chunked.ts';
import { proxyFor, proxySettings } from '../../../lib/adapters/transfer/http/proxy.ts';
import { judgeHead, redirectedRequest, requestText } from '../../../lib/adapters/transfer/http/rangeRequest.ts';
import { framingOf, keepsAlive, parseHead } from '../../../lib/adapters/transfer/http/responseHead.ts';

function headOf(text: string) {
  const parsed = parseHead(Buffer.from(text.replaceAll('\n', '\r\n')));
  if (parsed.is !== 'head') throw new Error(parsed.is);
  return parsed.head;
}

describe('a response head', () => {
  it('is parsed once it is complete, and says where the body begins', () => {
    const text = 'HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nETag: "a"\r\nX:\r\n\r\nhello';
    for (let cut = 0; cut < text.length - 5; cut += 1) {
      expect(parseHead(Buffer.from(text.slice(0, cut)))).toEqual({ is: 'incomplete' });
    }
    expect(parseHead(Buffer.from(text))).toMatchObject({ is: 'head', bytes: text.length - 5, head: { status: 206 } });
  });

  it.each([
    ['SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['HTTP/2 200\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nno colon\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n'],
    ['x'.repeat(40_000)],
    [`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(300)}\r\n`],
  ])('that is none is refused: %j', (text) => expect(parseHead(Buffer.from(text))).toMatchObject({ is: 'malformed' }));

  it.each([
    ['HTTP/1.1 200 OK\nContent-Length: 12\n\n', { by: 'length', length: 12 }],
    ['HTTP/1.1 200 OK\nContent-Length: 12\nContent-Length: 12\n\n', { by: 'length', length: 12 }],
    ['HTTP/1.1 200 OK\nContent-Length: 12\nContent-Length: 13\n\n', { by: 'malformed' }],
    ['HTTP/1.1 200 OK\nContent-Length: -1\n\n', { by: 'malformed' }],
    ['HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 3\n\n', { by: 'chunks' }],
    ['HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n', { by: 'malformed' }],
    ['HTTP/1.0 200 OK\n\n', { by: 'close' }],
    ['HTTP/1.1 304 Not Modified\n\n', { by: 'length', length: 0 }],
  ])('says how its body ends: %j', (text, framing) => expect(framingOf(headOf(text))).toMatchObject(framing));

  it.each([
    ['HTTP/1.1 200 OK\n\n', true],
    ['HTTP/1.1 200 OK\nConnection: close\n\n', false],
    ['HTTP/1.0 200 OK\n\n', false],
    ['HTTP/1.0 200 OK\nConnection: Keep-Alive\n\n', true],
  ])('says whether the connection stays: %j', (text, stays) => expect(keepsAlive(headOf(text))).toBe(stays));
});

describe('a chunked body', () => {
  it('gives its data however it is cut', () => {
    assert(
      property(array(uint8Array({ minLength: 1, maxLength: 300 })), integer({ min: 1, max: 50 }), (chunks, cut) => {
        const encoded = Buffer.concat([
          ...chunks.flatMap((chunk) => [
            Buffer.from(`${chunk.length.toString(16)};x=y\r\n`),
            chunk,
            Buffer.from('\r\n'),
          ]),
          Buffer.from('0\r\nTrailer: value\r\n\r\n'),
        ]);
        const body = createChunkedBody();
        const data: Buffer[] = [];
        let state = 'open';
        for (let at = 0; at < encoded.length; at += cut) {
          expect(state).toBe('open');
          state = body.take(encoded.subarray(at, at + cut), (run) => data.push(Buffer.from(run)));
        }
        expect(state).toBe('complete');
        expect(Buffer.concat(data).equals(Buffer.concat(chunks))).toBe(true);
      }),
    );
  });

  it.each([
    ['zz\r\n'],
    ['-1\r\n'],
    ['ffffffffffffffff\r\n'],
    ['2\r\nabc\r\n'],
    ['1'.repeat(5000)],
    [`0\r\n${'a: b\r\n'.repeat(4000)}`],
  ])('that makes no sense is refused', (text) => {
    expect(createChunkedBody().take(Buffer.from(text), () => undefined)).toBe('malformed');
  });
});

describe('a proxy of the environment', () => {
  const settings = proxySettings({
    HTTP_PROXY: 'proxy:3128',
    https_proxy: 'http://user:pass@secure:8080',
    no_proxy: 'localhost,127.0.0.1, .internal ,models.example:9000',
  });
  it.each([
    ['http://example.com/x', 'http://proxy:3128/'],
    ['https://example.com/x', 'http://user:pass@secure:8080/'],
    ['http://127.0.0.1:9000/', undefined],
    ['https://a.b.internal/', undefined],
    ['https://internal/', undefined],
    ['https://notinternal/', 'http://user:pass@secure:8080/'],
    ['http://models.example:9000/', undefined],
    ['http://models.example:9001/', 'http://proxy:3128/'],
  ])('%s', (url, proxy) => expect(proxyFor(new URL(url), settings)?.href).toBe(proxy));

  it('is not believed in capitals where a request may have set it', () => {
    expect(proxySettings({ HTTP_PROXY: 'evil', GATEWAY_INTERFACE: 'CGI/1.1' }).http).toBeUndefined();
  });

  it('is none for everything with *', () => {
    expect(proxyFor(new URL('http://a/'), proxySettings({ http_proxy: 'p', no_proxy: '*' }))).toBeUndefined();
  });
});

const signed = { origin: 'https://s3.example', target: '/bucket/a%2Fb?versionId=1', headers: { authorization: 'x' } };

describe('a request for a range', () => {
  it('names the range and the identity of the object', () => {
    const text = requestText(signed, { first: 5, last: 9 }, { etag: '"e"' }, undefined);
    expect(text.split('\r\n')).toEqual([
      'GET /bucket/a%2Fb?versionId=1 HTTP/1.1',
      'Host: s3.example',
      'authorization: x',
      'Range: bytes=5-9',
      'If-Match: "e"',
      'Accept-Encoding: identity',
      '',
      '',
    ]);
  });

  it('falls back to the date where the ETag is weak, and names everything to a proxy', () => {
    const identity = { etag: 'W/"e"', lastModified: 'Fri, 20 Nov 2026 00:00:00 GMT' };
    const plain = { ...signed, origin: 'http://s3.example' };
    const text = requestText(plain, { first: 0, last: 0 }, identity, new URL('http://u:p@proxy:1'));
    expect(text).toContain('GET http://s3.example/bucket/a%2Fb?versionId=1 HTTP/1.1\r\n');
    expect(text).toContain('If-Unmodified-Since: Fri, 20 Nov 2026 00:00:00 GMT\r\n');
    expect(text).toContain('Proxy-Authorization: Basic dTpw\r\n');
  });

  it('is not sent with a line that would be two', () => {
    const headers = { 'x-note': 'a\r\nX-Evil: 1' };
    expect(() => requestText({ ...signed, headers }, undefined, {}, undefined)).toThrow(RangeError);
  });

  it('takes its rights to no other origin, and never from TLS to plain text', () => {
    expect(redirectedRequest(signed, '/elsewhere?x=1', 'any')).toEqual({ ...signed, target: '/elsewhere?x=1' });
    expect(redirectedRequest(signed, 'https://cdn.example/y', 'any')).toEqual({
      origin: 'https://cdn.example',
      target: '/y',
      headers: {},
    });
    expect(redirectedRequest(signed, 'http://s3.example/', 'any')).toMatchObject({ kind: 'redirects' });
    expect(redirectedRequest(signed, 'file:///etc/passwd', 'any')).toMatchObject({ kind: 'redirects' });
  });

  it('stays on the internet once a server there has redirected it, whoever redirects next', () => {
    const first = redirectedRequest(signed, 'https://cdn.example/y', 'public');
    expect(first).toMatchObject({ reach: 'public' });
    expect('kind' in first ? first : redirectedRequest(first, '/z', 'any')).toMatchObject({
      target: '/z',
      reach: 'public',
    });
  });
});

describe('the judgement of a head', () => {
  const range = { first: 10, last: 19 };
  const identity = { etag: '"e"', totalBytes: 100 };
  const good = 'HTTP/1.1 206 OK\nContent-Length: 10\nContent-Range: bytes 10-19/100\nETag: "e"\n\n';
  it.each([
    ['the range', good, 'body'],
    ['the range of an object whose size is not said', good.replace('/100', '/*'), 'body'],
    ['another range', good.replace('10-19', '0-9'), 'wrong-range'],
    ['a shorter range', good.replace('10-19', '10-18'), 'wrong-range'],
    ['no range at all', good.replace('Content-Range', 'X'), 'wrong-range'],
    ['another length', good.replace('Length: 10', 'Length: 11'), 'wrong-range'],
    ['another ETag', good.replace('"e"', '"f"'), 'changed'],
    ['another size', good.replace('/100', '/101'), 'changed'],
    ['a coding', good.replace('\n\n', '\nContent-Encoding: gzip\n\n'), 'encoded'],
    ['everything', 'HTTP/1.1 200 OK\nContent-Length: 100\n\n', 'no-ranges'],
    ['a refusal', 'HTTP/1.1 503 Slow Down\nContent-Length: 0\n\n', 'refused'],
    ['another place', 'HTTP/1.1 302 Found\nLocation: /x\n\n', 'redirect'],
  ])('%s', (_, text, expected) => {
    const judged = judgeHead(headOf(text), range, identity);
    expect(judged.is === 'failed' ? judged.failure.kind : judged.is).toBe(expected);
  });

  it.each([
    ['everything', 'HTTP/1.1 200 OK\nContent-Length: 100\n\n', 'body'],
    ['everything in chunks', 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n', 'body'],
    ['more than before', 'HTTP/1.1 200 OK\nContent-Length: 101\n\n', 'changed'],
    ['a range', good, 'wrong-range'],
  ])('where no range was asked for: %s', (_, text, expected) => {
    const judged = judgeHead(headOf(text), undefined, identity);
    expect(judged.is === 'failed' ? judged.failure.kind : judged.is).toBe(expected);
  });

  it('a 200 is the range where the range is the object', () => {
    const head = headOf('HTTP/1.1 200 OK\nContent-Length: 100\n\n');
    expect(judgeHead(head, { first: 0, last: 99 }, identity)).toEqual({ is: 'body' });
  });
});
