import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { listPrices, parsePriceBook, priceAgeDays, type PriceBookFile, STALE_DAYS } from '../../lib/pricing/index.ts';
import { EXIT } from '../errors.ts';
import { readJson } from '../jsonFile.ts';
import { note } from '../output.ts';
import { type BookOptions, bookInForce, booksInForce } from '../prices/books.ts';
import { tellChanges } from '../prices/changes.ts';
import { type ListOptions, readLists } from '../prices/lists.ts';

interface ShowOptions extends BookOptions {
  readonly region?: string;
  readonly provider?: string;
  readonly json?: true;
}

type CheckOptions = ListOptions & BookOptions & { readonly json?: true };

/** Adds `strata prices show`, `check`, `refresh` and `diff`. */
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
}

function withBook(command: Command): Command {
  return command
    .option('--prices <file>', 'a price book that answers before the shipped ones')
    .option('--json', 'one JSON object per price');
}

function withLists(command: Command): Command {
  return withBook(command)
    .option('--region <region>', 'of AWS, whose lists are read', 'us-east-1')
    .option('--file <file...>', 'price lists that were downloaded, one of each offer, instead of the network')
    .option('--url <origin>', 'https:// origin of a mirror of the lists (STRATA_PRICE_LISTS)');
}

async function showPrices(options: ShowOptions): Promise<void> {
  const prices = await booksInForce(options);
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
  for (const book of books) {
    const ageDays = Math.floor(priceAgeDays({ ...prices, books: [book] }, now));
    if (options.json === true) printJson(book, ageDays);
    else printBook(book, ageDays);
  }
  const ageDays = priceAgeDays({ ...prices, books }, now);
  if (ageDays > STALE_DAYS) {
    note(
      `The prices are ${Math.floor(ageDays)} days old, more than ${STALE_DAYS}: compare them with the list, \`strata prices check\`.`,
    );
  }
}

function printJson(book: PriceBookFile, ageDays: number): void {
  const { provider, region } = book;
  for (const line of listPrices(book)) {
    process.stdout.write(`${JSON.stringify({ schema: 'strata.price/v1', ...line, provider, region, ageDays })}\n`);
  }
}

function printBook(book: PriceBookFile, ageDays: number): void {
  const age = Object.values(book.sources).some(({ url }) => url !== undefined) ? `, ${ageDays} days old` : '';
  process.stdout.write(`\n${book.id}, ${book.region}, as of ${book.asOf}${age}; 1 GB = ${book.gbBytes} bytes\n`);
  for (const line of listPrices(book)) {
    process.stdout.write(
      `  ${line.item.padEnd(44)} ${`$${line.usd}`.padStart(12)} per ${line.per.padEnd(22)} ${line.source}\n`,
    );
  }
  for (const [name, source] of Object.entries(book.sources)) {
    const readOn = source.asOf === undefined ? '' : ` (read on ${source.asOf})`;
    process.stdout.write(`  [${name}] ${source.url ?? ''} ${source.note}${readOn}\n`);
  }
}

async function checkPrices(options: CheckOptions): Promise<void> {
  const { inForce, fresh } = await freshBook(options);
  if (inForce.id !== fresh.id)
    note(`There is no book of ${fresh.region} yet; compared with ${inForce.id}@${inForce.asOf}.`);
  tellChanges(options, inForce, fresh);
}

/** What it prints is a book to look at, to keep beside the others, and to give to `--prices`. */
async function refreshPrices(options: CheckOptions & { readonly out?: string }): Promise<void> {
  const { fresh } = await freshBook(options);
  const text = `${JSON.stringify(fresh, undefined, 2)}\n`;
  if (options.out === undefined) {
    process.stdout.write(text);
    return;
  }
  await writeFile(options.out, text, { flag: 'wx' });
  note(`${options.out} holds ${fresh.id}@${fresh.asOf}; \`strata prices diff ${options.out}\` shows what it changes.`);
}

async function freshBook(options: CheckOptions): Promise<{ inForce: PriceBookFile; fresh: PriceBookFile }> {
  const inForce = bookInForce(await booksInForce(options), options.region);
  return { inForce, fresh: await readLists(options, inForce, new Date().toISOString().slice(0, 10)) };
}

async function showChanges(path: string, options: { readonly json?: true }): Promise<void> {
  const fresh = parsePriceBook(await readJson(path));
  tellChanges(options, bookInForce(await booksInForce({}), fresh.region), fresh);
}
