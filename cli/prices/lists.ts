import {
  bookFromOffers,
  parseOfferFile,
  PRICE_LIST_ORIGIN,
  type PriceBookFile,
  readBook,
} from '../../lib/pricing/index.ts';
import { StrataError } from '../../lib/shared/errors.ts';
import { CliError } from '../errors.ts';
import { readText } from '../textFiles.ts';

export interface ListOptions {
  readonly region: string;
  readonly file?: readonly string[];
  readonly url?: string;
}

const DEADLINE_MS = 60_000;

/** The book that the lists make today: of files, or of what AWS or a mirror publishes now. */
export async function readLists(options: ListOptions, rules: PriceBookFile, today: string): Promise<PriceBookFile> {
  const { region, file } = options;
  if (file !== undefined) {
    return bookFromOffers(rules, region, today, await Promise.all(file.map(readOffer)));
  }
  const { createHttpsPriceLists } = await import('../../lib/adapters/https/httpsPriceLists.ts');
  const origin = options.url ?? (process.env['STRATA_PRICE_LISTS'] || PRICE_LIST_ORIGIN);
  return readBook(createHttpsPriceLists({ origin, deadlineMs: DEADLINE_MS }), rules, region, today);
}

async function readOffer(path: string): Promise<ReturnType<typeof parseOfferFile>> {
  const text = await readText(path);
  try {
    return parseOfferFile(text);
  } catch (cause) {
    if (!(cause instanceof StrataError)) throw cause;
    throw new CliError({ code: 'bad-file', message: `${path} holds no price list.`, retryable: false, cause });
  }
}
