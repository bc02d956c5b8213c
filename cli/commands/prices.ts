import type { Command } from 'commander';
import {
  bookName,
  listPrices,
  parsePriceBook,
  priceAgeDays,
  type PriceBookFile,
  STALE_DAYS,
} from '../../lib/pricing/index.ts';
import type { Rates } from '../../lib/placement/index.ts';
import { DAY_MS } from '../../lib/shared/units.ts';
import { connect, withPlane } from '../connection/connect.ts';
import { CliError, EXIT } from '../errors.ts';
import { readJson, writeText } from '../textFiles.ts';
import { note, tell, tellRecord } from '../output.ts';
import { type BookOptions, bookOfRegion, booksInForce, decidesText, ratesOfBooks } from '../prices/books.ts';
import { changesTold, tellChanges } from '../prices/changes.ts';
import { DRY_RUN, isDry, operatorOf, sayDry, withOperator } from './mutation.ts';
import { type ListOptions, readLists } from '../prices/lists.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';

interface ShowOptions extends BookOptions {
  readonly region?: string;
  readonly provider?: string;
}

type CheckOptions = ListOptions & BookOptions;

interface AcceptOptions extends BookOptions {
  readonly by?: string;
  readonly dryRun?: boolean;
}

/** Adds `strata prices show`, `check`, `refresh`, `diff` and `accept`. */
export function registerPrices(program: Command): void {
  const prices = program.command('prices').description('the price books that every decision uses');
  withBook(prices.command('show'))
    .description('every price with its book, date, age and source')
    .option('--region <region>', 'only books of this region')
    .option('--provider <provider>', 'only books of this provider')
    .action(showPrices);
  withLists(prices.command('check'))
    .description('what differs between the book in force and the list: old, new, percent; exit code 1 if anything')
    .action(checkPrices);
  withLists(prices.command('refresh'))
    .description('make the book of a region from its price lists; it goes to stdout, or to --out')
    .option('--out <file>', 'where the book is written; the file must not exist')
    .action(refreshPrices);
  prices
    .command('diff <file>')
    .description('what a price book would change in the one in force of the same id; exit code 1 if anything')
    .option('--json', 'one JSON object per changed price')
    .action(showChanges);
  withOperator(withPlane(prices.command('accept [file]')))
    .description('put a price book in force at the plane: what a refresh has reported, or a file')
    .option(...DRY_RUN)
    .action(acceptPrices);
}

function withBook(command: Command): Command {
  return withPlane(command).option('--prices <file>', 'a price book that answers before the others');
}

function withLists(command: Command): Command {
  return withBook(command)
    .option('--region <region>', 'of AWS, whose lists are read', 'us-east-1')
    .option('--file <file...>', 'price lists that were downloaded, one of each offer, instead of the network')
    .option('--url <origin>', 'https:// origin of a mirror of the lists (STRATA_PRICE_LISTS)');
}

async function showPrices(options: ShowOptions): Promise<void> {
  const { prices, checkedAt } = await booksInForce(options);
  const books = prices.books.filter(
    ({ region, provider }) =>
      (options.region === undefined || options.region === region) &&
      (options.provider === undefined || options.provider === provider),
  );
  const [first] = books;
  if (first === undefined) {
    note(
      `No book here is of ${[options.provider, options.region].filter(Boolean).join(' in ')}; \`strata prices refresh --region REGION\` makes those of AWS.`,
    );
    process.exitCode = EXIT.failed;
    return;
  }
  const now = Date.now();
  /** A plane's own book stays young while its lists say the same. */
  const ageOf = (book: PriceBookFile): number =>
    book === prices.books[0] && checkedAt !== undefined
      ? Math.max(0, now - checkedAt) / DAY_MS
      : priceAgeDays({ ...prices, books: [book] }, now);
  for (const book of books) {
    const ageDays = Math.floor(ageOf(book));
    if (options.json === true) printJson(book, ageDays);
    else if (options.quiet === true) tell(`${bookName(book)}\n`);
    else printBook(book, ageDays);
  }
  const ageDays = Math.max(...books.map(ageOf));
  if (ageDays > STALE_DAYS) {
    note(
      `The prices are ${formatCount(Math.floor(ageDays), 'day')} old, more than ${STALE_DAYS}: \`strata prices refresh --out FILE\` and \`strata prices accept FILE\` renew them.`,
    );
  }
}

function printJson(book: PriceBookFile, ageDays: number): void {
  const { provider, region } = book;
  for (const line of listPrices(book)) {
    tellRecord({ schema: 'strata.price/v1', ...line, provider, region, ageDays });
  }
}

function printBook(book: PriceBookFile, ageDays: number): void {
  const age = Object.values(book.sources).some(({ url }) => url !== undefined)
    ? `, ${formatCount(ageDays, 'day')} old`
    : '';
  tell(`\n${book.id}, ${book.region}, as of ${book.asOf}${age}; 1 GB = ${book.gbBytes} bytes\n`);
  for (const line of listPrices(book)) {
    tell(`  ${line.item.padEnd(44)} ${`$${line.usd}`.padStart(12)} per ${line.per.padEnd(22)} ${line.source}\n`);
  }
  for (const [name, source] of Object.entries(book.sources)) {
    const readOn = source.asOf === undefined ? '' : ` (read on ${source.asOf})`;
    tell(`  [${name}] ${source.url ?? ''} ${source.note}${readOn}\n`);
  }
}

async function checkPrices(options: CheckOptions): Promise<void> {
  const { inForce, fresh, rates } = await freshBook(options);
  if (inForce.id !== fresh.id)
    note(`There is no book of ${fresh.region} yet; compared with ${inForce.id}@${inForce.asOf}.`);
  tellChanges(options, inForce, fresh);
  note(decidesText(rates));
}

/** What it prints is a book to look at, to keep beside the others, and to give to `--prices`. */
async function refreshPrices(options: CheckOptions & { readonly out?: string }): Promise<void> {
  const { fresh } = await freshBook(options);
  const text = `${JSON.stringify(fresh, undefined, 2)}\n`;
  if (options.out === undefined) {
    process.stdout.write(text);
    return;
  }
  await writeText(options.out, text, 'fresh');
  note(`${options.out} holds ${fresh.id}@${fresh.asOf}; \`strata prices diff ${options.out}\` shows what it changes.`);
}

async function freshBook(
  options: CheckOptions,
): Promise<{ inForce: PriceBookFile; fresh: PriceBookFile; rates: Rates }> {
  const rates = ratesOfBooks(await booksInForce(options));
  const inForce = bookOfRegion(rates.prices, options.region);
  return { rates, inForce, fresh: await readLists(options, inForce, new Date().toISOString().slice(0, 10)) };
}

async function showChanges(path: string, options: { readonly json?: true }): Promise<void> {
  const fresh = parsePriceBook(await readJson(path));
  tellChanges(options, bookOfRegion((await booksInForce({})).prices, fresh.region), fresh);
}

async function acceptPrices(path: string | undefined, options: AcceptOptions): Promise<void> {
  const { operations } = await connect(options);
  const { book, reported } = await operations.showPrices({});
  const fresh = path === undefined ? reported?.book : JSON.stringify(await readJson(path));
  if (fresh === undefined) {
    const message = 'No refresh has reported a book that waits to be accepted. Name a file to put that in force.';
    throw new CliError({ code: 'nothing-to-accept', message, retryable: false });
  }
  changesTold(options, parsePriceBook(JSON.parse(book)), parsePriceBook(JSON.parse(fresh)));
  const { id, asOf, changes } = await operations.acceptPrices({
    book: fresh,
    by: operatorOf(options),
    dryRun: isDry(options),
  });
  sayDry(options);
  if (!isDry(options))
    note(`${id}@${asOf} is in force: ${changes} prices changed. Functions know within five minutes.`);
}
