import {
  changePercent,
  decideRefresh,
  MOST_FACTOR,
  type PriceBookFile,
  type PriceChange,
} from '../../lib/pricing/index.ts';
import { EXIT } from '../errors.ts';
import { note, print } from '../output.ts';

/** Prints what changes between two books; the exit code says whether anything does. */
export function tellChanges(options: { readonly json?: true }, inForce: PriceBookFile, fresh: PriceBookFile): void {
  if (changesTold(options, inForce, fresh) > 0) process.exitCode = EXIT.failed;
}

/** Prints the same and answers how many prices change. */
export function changesTold(options: { readonly json?: true }, inForce: PriceBookFile, fresh: PriceBookFile): number {
  const { changes, beyond } = decideRefresh(inForce, fresh);
  const items = changes.map((change) => ({ book: fresh.id, ...change, percent: changePercent(change) }));
  print(options, {
    schema: 'strata.price-change/v1',
    items,
    id: ({ item }) => item,
    columns: [
      ['PRICE', ({ item }) => item],
      ['OLD', ({ before }) => dollars(before)],
      ['NEW', ({ after }) => dollars(after)],
      ['CHANGE', percent],
      ['PER', ({ per }) => per],
    ],
    empty: `${fresh.id}: every price is the same as on ${inForce.asOf}.`,
  });
  if (beyond.length > 0) {
    note(
      `Beyond a factor of ${MOST_FACTOR}, or gone: ${beyond.map(({ item }) => item).join(', ')}. A refresh takes this over only when accepted.`,
    );
  }
  return items.length;
}

const dollars = (usd: number | undefined): string => (usd === undefined ? 'none' : `$${usd}`);

function percent(change: PriceChange): string {
  const by = changePercent(change);
  return by === undefined ? '' : `${by > 0 ? '+' : ''}${by.toFixed(1)} %`;
}
