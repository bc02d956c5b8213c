import type { Command } from 'commander';
import {
  combinePriceBooks,
  diffPrices,
  listPrices,
  type PriceBook,
  type PriceBookFile,
  PricingError,
  parsePriceBook,
  priceAgeDays,
  shippedPriceBook,
} from '../../lib/pricing/index.ts';
import { readJson } from '../jsonFile.ts';

/** Above this age the prices are an alarm. */
const STALE_DAYS = 7;
/** A finding that a script must notice. */
const EXIT_FINDINGS = 1;

interface ShowOptions {
  readonly prices?: string;
  readonly json?: true;
}

/** Adds `strata prices show` and `strata prices diff`. */
export function registerPrices(program: Command): void {
  const prices = program.command('prices').description('the price books that every decision uses');
  prices
    .command('show')
    .description('every price with its book, date and source')
    .option('--prices <file>', 'a price book that answers before the shipped ones')
    .option('--json', 'one JSON object per price')
    .action(showPrices);
  prices
    .command('diff <file>')
    .description('what a refreshed price book would change in the shipped one of the same id; exit code 1 if anything')
    .option('--json', 'one JSON object per changed price')
    .action(showChanges);
}

/** The way to refresh a book: get a new file, look at this, then replace the old one. */
async function showChanges(path: string, options: { readonly json?: true }): Promise<void> {
  const fresh = await readBook(path);
  const shipped = shippedPriceBook().books.find((book) => book.id === fresh.id);
  if (shipped === undefined) {
    throw new PricingError({
      code: 'invalid-book',
      message: `No shipped book has the id ${fresh.id}.`,
      retryable: false,
    });
  }
  const changes = diffPrices(shipped, fresh);
  if (changes.length > 0) process.exitCode = EXIT_FINDINGS;
  const dollars = (usd: number | undefined): string => (usd === undefined ? 'none' : `$${usd}`);
  const lines = changes.map((change) =>
    options.json === true
      ? JSON.stringify({ schema: 'strata.price-change/v1', book: fresh.id, ...change })
      : `${change.item}: ${dollars(change.before)} → ${dollars(change.after)} per ${change.per}`,
  );
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

async function showPrices(options: ShowOptions): Promise<void> {
  const prices = await readBooks(options.prices);
  const lines = prices.books.flatMap(listPrices);
  if (options.json === true) {
    process.stdout.write(lines.map((line) => `${JSON.stringify({ schema: 'strata.price/v1', ...line })}\n`).join(''));
    return;
  }
  for (const book of prices.books) {
    process.stdout.write(`\n${book.id}, ${book.region}, as of ${book.asOf}; 1 GB = ${book.gbBytes} bytes\n`);
    for (const line of listPrices(book)) {
      process.stdout.write(
        `  ${line.item.padEnd(44)} ${`$${line.usd}`.padStart(12)} per ${line.per.padEnd(22)} ${line.source}\n`,
      );
    }
    for (const [name, source] of Object.entries(book.sources)) {
      process.stdout.write(`  [${name}] ${source.url ?? ''} ${source.note}\n`);
    }
  }
  const ageDays = priceAgeDays(prices, Date.now());
  if (ageDays > STALE_DAYS) {
    process.stderr.write(
      `The prices are ${Math.floor(ageDays)} days old; compare them with their sources and set a new date.\n`,
    );
  }
}

async function readBooks(path: string | undefined): Promise<PriceBook> {
  const shipped = shippedPriceBook();
  return path === undefined ? shipped : combinePriceBooks(await readBook(path), ...shipped.books);
}

async function readBook(path: string): Promise<PriceBookFile> {
  return parsePriceBook(await readJson(path));
}
