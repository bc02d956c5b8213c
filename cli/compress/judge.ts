import type { Command } from 'commander';
import type { RangedFile } from '../../lib/adapters/files/rangedFile.ts';
import {
  type CompressionDecision,
  decideCompressionByDollars,
  decideCompressionByRule,
  measureCompressibility,
  measureSpeed,
} from '../../lib/compression/index.ts';
import { gpuPrice, storagePrice } from '../../lib/pricing/index.ts';
import { formatBytes, formatUsd } from '../../lib/shared/units.ts';
import { notNegative, positive } from '../arguments.ts';
import { withAddress } from '../connection/connect.ts';
import { note, type OutputOptions, print } from '../output.ts';
import { booksAtHand } from '../prices/books.ts';

/** What the dollars of a dry run depend on. */
export interface TermOptions extends OutputOptions {
  readonly data?: string;
  readonly endpoint?: string;
  readonly class: string;
  readonly gpu: string;
  readonly months: number;
  readonly reads: number;
  readonly fetchSpeed: number;
}

export function addTerms(command: Command): Command {
  return withAddress(command)
    .option('--class <name>', 'with --dry-run: the storage class that it lies in', 'STANDARD')
    .option('--months <n>', 'with --dry-run: how long it lies there', positive, 12)
    .option('--reads <n>', 'with --dry-run: reads a month, each with a GPU that waits', notNegative, 30)
    .option('--gpu <type>', 'with --dry-run: the GPU, whose hours also price the packing', 'L40S')
    .option('--fetch-speed <mb>', 'with --dry-run: megabytes a second that a host fetches', positive, 1000);
}

const REASONS: Readonly<Record<CompressionDecision['reason'], string>> = {
  compressible: 'it is large and gets much smaller',
  'hardly-smaller': 'it gets hardly smaller',
  small: 'it is small',
  pays: 'it pays',
  'costs-more': 'it would cost more than it saves',
};

/** What compressing would save by the rule preset and by dollars; reads 1 MiB of the file and packs it, writes nothing. */
export async function judgeCompression(path: string, file: RangedFile, options: TermOptions): Promise<void> {
  const { prices: book } = await booksAtHand(options);
  const storage = storagePrice(book, options.class);
  const read = (offset: number, length: number): Promise<Uint8Array> => file.read(offset, length);
  const { ratio } = await measureCompressibility(file.size, read);
  const speed = await measureSpeed(file.size, read, () => performance.now());
  const facts = { bytes: file.size, ratio };
  const rule = decideCompressionByRule(facts);
  const dollars = decideCompressionByDollars(facts, {
    ...speed,
    usdPerGbMonth: storage.price.usdPerGbMonth,
    gbBytes: storage.book.gbBytes,
    months: options.months,
    readsPerMonth: options.reads,
    usdPerHour: gpuPrice(book, options.gpu).price.usdPerHour,
    fetchBytesPerSecond: options.fetchSpeed * 1e6,
  });
  const { usd } = dollars;
  const measured = { path, size: file.size, ratio, ...speed };
  print(options, {
    schema: 'strata.compressibility/v1',
    items: [
      { ...measured, by: 'rules', action: rule.action, reason: rule.reason, usd: undefined },
      { ...measured, by: 'dollars', action: dollars.action, reason: dollars.reason, usd, prices: book.id },
    ],
    id: (item) => `${item.by} ${item.action}`,
    columns: [
      ['FILE', (item) => item.path],
      ['SIZE', (item) => formatBytes(item.size)],
      ['COMPRESSES TO', (item) => `${(item.ratio * 100).toFixed(0)} %`],
      ['BY', (item) => item.by],
      ['ACTION', (item) => item.action],
      ['BECAUSE', (item) => REASONS[item.reason]],
      ['STORAGE', (item) => (item.usd === undefined ? '' : formatUsd(item.usd.storage))],
      ['PACKING', (item) => (item.usd === undefined ? '' : formatUsd(item.usd.packing))],
      ['WAITING', (item) => (item.usd === undefined ? '' : formatUsd(item.usd.waiting))],
      ['NET', (item) => (item.usd === undefined ? '' : formatUsd(item.usd.net))],
    ],
  });
  if (options.json !== true && options.quiet !== true) note(`Prices: ${book.id}.`);
}
