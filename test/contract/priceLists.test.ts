import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpsPriceLists } from '../../lib/adapters/https/httpsPriceLists.ts';
import { MOST_LIST_BYTES, PricingError, readBook, shippedPriceBook } from '../../lib/pricing/index.ts';
import { OFFERS } from '../unit/pricing/offers.ts';

let server: Server;
let ca: string;
let answer: (path: string, response: ServerResponse) => void;
const asked: string[] = [];

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'strata-lists-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const options = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', ...subject];
  execFileSync('openssl', ['req', '-x509', ...options], { stdio: 'ignore' });
  ca = readFileSync(cert, 'utf8');
  server = createServer({ key: readFileSync(key), cert: ca }, ({ url = '' }, response) => {
    asked.push(url);
    answer(url, response);
  });
  rmSync(folder, { recursive: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const origin = (): string => `https://localhost:${(server.address() as AddressInfo).port}`;
const lists = (deadlineMs = 10_000) => createHttpsPriceLists({ origin: origin(), deadlineMs, ca });

describe('price lists over https', () => {
  it('are read whole, at the paths that AWS documents, and make a book', async () => {
    asked.length = 0;
    answer = (path, response) => {
      const code = path.split('/')[4] as keyof typeof OFFERS;
      // In small pieces, as from a network.
      for (let at = 0; at < OFFERS[code].length; at += 5000) response.write(OFFERS[code].slice(at, at + 5000));
      response.end();
    };
    const book = await readBook(lists(), shippedPriceBook().books[0]!, 'us-east-1', '2026-11-21');
    expect(book.storage['DEEP_ARCHIVE']?.usdPerGbMonth).toBe(0.00099);
    expect(asked).toEqual(
      ['AmazonS3', 'AmazonS3GlacierDeepArchive', 'AWSDataTransfer'].map(
        (code) => `/offers/v1.0/aws/${code}/current/us-east-1/index.json`,
      ),
    );
  });

  // Whoever answers is given ample time, however busy the machine is.
  it.each<[string, (response: ServerResponse) => void, string, number?]>([
    ['an error', (response) => response.writeHead(503).end(), 'it answered 503'],
    [
      'a redirect, which is not followed',
      (response) => response.writeHead(302, { location: 'https://localhost/elsewhere' }).end(),
      'it answered 302',
    ],
    [
      'less than it promised',
      (response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{', () => response.destroy());
      },
      'could not be read',
    ],
    ['nothing in time', () => undefined, 'more than 300 ms', 300],
  ])('fail, and may be asked again, when the server answers %s', async (_what, respond, message, deadlineMs) => {
    answer = (_path, response) => respond(response);
    await expect(lists(deadlineMs).read('AmazonS3', 'us-east-1')).rejects.toMatchObject({
      code: 'list-unreachable',
      retryable: true,
      message: expect.stringContaining(message),
    });
  });

  it('end where no list does', async () => {
    let written = 0;
    answer = (_path, response) => {
      response.on('error', () => undefined);
      const more = (): void => {
        if (response.destroyed || written > 8 * MOST_LIST_BYTES) return;
        written += 1024 * 1024;
        response.write(Buffer.alloc(1024 * 1024, 32), more);
      };
      more();
    };
    await expect(lists().read('AmazonS3', 'us-east-1')).rejects.toMatchObject({ code: 'invalid-list' });
    expect(written).toBeLessThan(3 * MOST_LIST_BYTES);
  });

  it('are not taken from a server that nobody vouches for, nor without TLS, nor for what is no region', async () => {
    const untrusted = createHttpsPriceLists({ origin: origin(), deadlineMs: 10_000 });
    await expect(untrusted.read('AmazonS3', 'us-east-1')).rejects.toMatchObject({ code: 'list-unreachable' });
    for (const url of ['http://localhost/', 'file:///etc/passwd', 'no url', 'https://user:secret@localhost/']) {
      expect(() => createHttpsPriceLists({ origin: url, deadlineMs: 1 }), url).toThrow(PricingError);
    }
    expect(() => lists().read('AmazonS3', '../../secret')).toThrow('no region');
  });
});
