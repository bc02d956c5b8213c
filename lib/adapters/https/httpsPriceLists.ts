import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { MOST_LIST_BYTES, offerPath, type PriceLists, PricingError } from '../../pricing/index.ts';

export interface PriceListsOptions {
  /** `https://…`; only its host and port count. */
  readonly origin: string;
  /** Of one list, from the call to its last byte. */
  readonly deadlineMs: number;
  /** Further authorities to trust, in PEM. */
  readonly ca?: string;
}

/** AWS's price lists over TLS and nothing else: no redirect is followed, and no list may be longer than any is. */
export function createHttpsPriceLists({ origin, deadlineMs, ca }: PriceListsOptions): PriceLists {
  const base = URL.parse(origin);
  if (base?.protocol !== 'https:' || base.username !== '' || base.password !== '') {
    throw new PricingError({
      code: 'invalid-list',
      message: 'Price lists are read over https:// only, from an origin without a user.',
      retryable: false,
    });
  }
  return {
    read(code, region) {
      const url = new URL(offerPath(code, region), base);
      return new Promise((resolve, reject) => {
        const failed = (what: string, cause?: unknown): PricingError =>
          new PricingError({
            code: 'list-unreachable',
            message: `${url.href} could not be read: ${what}. Prices stay as they are.`,
            retryable: true,
            cause,
          });
        const call = request(url, { method: 'GET', agent: false, ...(ca === undefined ? {} : { ca }) }, (response) => {
          if (response.statusCode === 200) {
            collect(response, resolve, fail);
            return;
          }
          fail(failed(`it answered ${response.statusCode}`));
        });
        const timer = setTimeout(() => fail(failed(`it took more than ${deadlineMs} ms`)), deadlineMs);
        function fail(error: PricingError): void {
          reject(error);
          call.destroy();
        }
        call.on('error', (error) => fail(failed('no answer came', error)));
        call.on('close', () => {
          clearTimeout(timer);
          fail(failed('the answer broke off'));
        });
        call.end();
      });
    },
  };
}

/** The body as text. An answer that breaks off ends the call, which fails it. */
function collect(response: IncomingMessage, done: (text: string) => void, fail: (error: PricingError) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MOST_LIST_BYTES) {
      fail(
        new PricingError({
          code: 'invalid-list',
          message: `A price list has more than ${MOST_LIST_BYTES} bytes. Prices stay as they are.`,
          retryable: false,
        }),
      );
      return;
    }
    chunks.push(chunk);
  });
  response.on('end', () => {
    if (response.complete) done(Buffer.concat(chunks).toString('utf8'));
  });
}
