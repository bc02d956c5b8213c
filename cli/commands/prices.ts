import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  combinePriceBooks,
  parsePriceBook,
  type PriceBook,
  priceAgeDays,
  type PriceBookFile,
  shippedPriceBook,
} from '../../lib/pricing/index.ts';

/** Above this age the prices are an alarm. */
const STALE_DAYS = 7;

interface ShowOptions {
  readonly prices?: string;
  readonly json?: true;
}

/** Adds `strata prices show`. */
export function registerPrices(program: Command): void {
  program
    .command('prices')
    .description('the price books that every decision uses')
    .command('show')
    .description('every price with its book, date and source')
    .option('--prices <file>', 'a price book that answers before the shipped ones')
    .option('--json', 'one JSON object per price')
    .action(showPrices);
}

interface PriceLine {
  readonly book: string;
  readonly asOf: string;
  readonly item: string;
  readonly usd: number;
  readonly per: string;
  readonly source: string;
}

async function showPrices(options: ShowOptions): Promise<void> {
  const prices = await readBooks(options.prices);
  const lines = prices.books.flatMap(priceLines);
  if (options.json === true) {
    process.stdout.write(lines.map((line) => `${JSON.stringify({ schema: 'strata.price/v1', ...line })}\n`).join(''));
    return;
  }
  for (const book of prices.books) {
    process.stdout.write(`\n${book.id}, ${book.region}, as of ${book.asOf}; 1 GB = ${book.gbBytes} bytes\n`);
    for (const line of priceLines(book)) {
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
  if (path === undefined) return shipped;
  return combinePriceBooks(parsePriceBook(JSON.parse(await readFile(path, 'utf8'))), ...shipped.books);
}

function priceLines(book: PriceBookFile): PriceLine[] {
  const from =
    (source: string) =>
    (item: string, usd: number, per: string): PriceLine => ({
      book: book.id,
      asOf: book.asOf,
      item,
      usd,
      per,
      source,
    });
  return [
    ...Object.entries(book.storage).flatMap(([name, price]) => storageLines(name, price, from(price.source))),
    ...Object.entries(book.hostTiers).map(([tier, { source, usdPerGbHour }]) =>
      from(source)(tier, usdPerGbHour, 'GB-hour'),
    ),
    ...Object.entries(book.gpus).map(([gpu, { source, usdPerHour }]) => from(source)(`GPU ${gpu}`, usdPerHour, 'hour')),
    ...Object.entries(book.transfer).map(([route, { source, usdPerGb }]) =>
      from(source)(`transfer ${route}`, usdPerGb, 'GB'),
    ),
  ];
}

function storageLines(
  name: string,
  price: PriceBookFile['storage'][string],
  line: (item: string, usd: number, per: string) => PriceLine,
): PriceLine[] {
  const { put, get, transitionIn } = price.usdPer1000;
  return [
    line(`${name} storage`, price.usdPerGbMonth, 'GB-month'),
    ...price.volumeSteps.map((step) =>
      line(`${name} storage above ${step.aboveGb} GB`, step.usdPerGbMonth, 'GB-month'),
    ),
    ...(price.autoTiering?.tiers ?? []).map((tier) =>
      line(`${name} after ${tier.afterIdleDays} idle days`, tier.usdPerGbMonth, 'GB-month'),
    ),
    ...(price.autoTiering
      ? [line(`${name} monitoring`, price.autoTiering.monitoringUsdPer1000ObjectMonths, '1,000 object-months')]
      : []),
    line(`${name} put`, put, '1,000 requests'),
    line(`${name} get`, get, '1,000 requests'),
    line(`${name} transition in`, transitionIn, '1,000 requests'),
    ...Object.entries(price.retrieval).flatMap(([tier, retrieval]) => [
      line(`${name} ${tier} retrieval`, retrieval.usdPerGb, 'GB'),
      ...(retrieval.usdPer1000 > 0 ? [line(`${name} ${tier} restore`, retrieval.usdPer1000, '1,000 requests')] : []),
    ]),
  ];
}
