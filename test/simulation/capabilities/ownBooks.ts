import { type Action, ActionRow, TierPolicyRow } from '../../../lib/catalog/index.ts';
import { bookName, parseDecidingBook, type PriceBookFile, shippedPriceBook } from '../../../lib/pricing/index.ts';
import { HOUR_MS, MINUTE_MS } from '../../../lib/shared/units.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** A contract with AWS: its prices for so much of them. */
function contract(part: number, asOf: string): PriceBookFile {
  const [list] = shippedPriceBook().books;
  if (list === undefined) throw new Error('No book ships.');
  const storage = Object.fromEntries(
    Object.entries(list.storage).map(([name, price]) => [
      name,
      { ...price, usdPerGbMonth: price.usdPerGbMonth * part },
    ]),
  );
  return parseDecidingBook({ ...list, id: 'own/contract', asOf, storage });
}

const BOOKS = [undefined, contract(0.9, '2026-11-20'), contract(0.8, '2026-11-21')] as const;

/**
 * Operators configure price books of their own, others after them, and none again. A sweep decides no move by another book than the one in force: one that
 * is only configured decides nothing before the look at it has ended, and the region's nothing while another one is in force.
 */
export function ownBooks({ configureBook, counters, ownsBooks, scheduler }: Stage, rng: Rng): Capability {
  if (!ownsBooks) return {};
  const life = scheduler.incarnation('own books');
  const [readAction, readPolicy] = [rowReader(ActionRow), rowReader(TierPolicyRow)];
  /** Undefined: that of the region. */
  const terms: { readonly book: string | undefined; until: number }[] = [
    { book: undefined, until: Number.POSITIVE_INFINITY },
  ];

  function onPolicy({ after }: RowChange): void {
    if (after === undefined) return;
    const book = readPolicy(after).settings?.priceBook;
    const last = terms.at(-1);
    if (last === undefined || last.book === book) return;
    last.until = scheduler.now;
    terms.push({ book, until: Number.POSITIVE_INFINITY });
    counters.count(`own book: ${book ?? 'none'} in force`);
  }

  function onMove({ actionId, policy, reason }: Action): void {
    const [, sweep] = /^transition-(\d+)-/.exec(actionId) ?? [];
    if (sweep === undefined && reason !== 'restored') return;
    const named = policy.split(' ')[1]?.split('+')[0] ?? '';
    const book = named.startsWith('own/') ? named : undefined;
    // A clock may be wrong by some minutes.
    const since = sweep === undefined ? scheduler.now - HOUR_MS : Number(sweep);
    if (!terms.some((term) => term.book === book && term.until >= since))
      violated(`${actionId} was decided by ${named}, which is not in force.`);
    counters.count(`own book: a move by ${book === undefined ? 'the region’s' : 'one'}`);
  }

  return {
    act(durationMs) {
      const end = scheduler.now + durationMs;
      scheduler.spawn(life, async () => {
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(2.5 * MINUTE_MS));
          if (scheduler.now >= end) return;
          const book = rng.pick(BOOKS);
          configureBook(book);
          counters.count(`own book: ${book === undefined ? 'none' : bookName(book)} configured`);
        }
      });
    },
    onRow(change) {
      const { partition, sort } = change.key;
      if (partition === 'TIERPOLICY' && sort === 'META') return onPolicy(change);
      if (!partition.startsWith('ACTION#') || change.before !== undefined || change.after === undefined)
        return undefined;
      const action = readAction(change.after);
      return action.type === 'transition' ? onMove(action) : undefined;
    },
  };
}
