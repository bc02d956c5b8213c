import type { Command } from 'commander';
import { listTiers, type TierLine, type TierPrice } from '../../lib/pricing/index.ts';
import { HOUR_MS, SECOND_MS } from '../../lib/shared/units.ts';
import { withPlane } from '../connection/connect.ts';
import { note, print } from '../output.ts';
import { type BookOptions, booksAtHand, decidesText } from '../prices/books.ts';

/** Adds `strata tiers`. */
export function registerTiers(program: Command): void {
  withPlane(program.command('tiers'))
    .description('the places that bytes can lie in: capacity, how soon a read begins, price, what they really are')
    .option('--prices <file>', 'a price book that answers before the others')
    .action(showTiers);
}

async function showTiers(options: BookOptions): Promise<void> {
  const rates = await booksAtHand(options);
  print(options, {
    schema: 'strata.tier/v1',
    items: listTiers(rates.prices),
    id: ({ tier }) => tier,
    columns: [
      ['TIER', ({ tier }) => tier],
      ['CAPACITY', capacityText],
      ['READ BEGINS', ({ accessMs }) => `within ${timeText(accessMs)}`],
      ['PRICE', ({ price }) => priceText(price)],
      [
        'IN FORCE',
        ({ price, inForce }) => (inForce.book === price.book ? '' : `${priceText(inForce)} (${inForce.book})`),
      ],
      ['LACKS', lacksText, 'spare'],
      ['WHAT IT IS', ({ mechanism }) => mechanism, 'spare'],
    ],
  });
  note(decidesText(rates));
}

function capacityText({ capacity }: TierLine): string {
  if (capacity === undefined) return 'as paid for';
  const { fromGb, orMore, per, toGb } = capacity;
  const [from, to, unit] = fromGb >= 1000 ? [fromGb / 1000, toGb / 1000, 'TB'] : [fromGb, toGb, 'GB'];
  return `${from}–${to}${orMore ? '+' : ''} ${unit} a ${per}`;
}

function timeText(ms: number): string {
  if (ms < SECOND_MS) return `${ms} ms`;
  return ms < HOUR_MS ? `${ms / SECOND_MS} s` : `${ms / HOUR_MS} h`;
}

const priceText = ({ usd, per }: TierPrice): string => `$${usd} per ${per}`;

function lacksText({ archiveIn, lacks }: TierLine): string {
  const where = archiveIn === undefined ? '' : ` (archives in ${archiveIn})`;
  return `${lacks.join(', ')}${where}`;
}
