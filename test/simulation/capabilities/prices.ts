import {
  type Action,
  ActionRow,
  PriceBookRow,
  PricesInForceRow,
  ReportedPricesRow,
} from '../../../lib/catalog/index.ts';
import { replayTier, TIER_RULES } from '../../../lib/placement/index.ts';
import { acceptPrices } from '../../../lib/priceBooks/index.ts';
import { type PriceBookFile, parsePriceBook } from '../../../lib/pricing/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { DAY_MS, MINUTE_MS } from '../../../lib/shared/units.ts';
import { rowReader, violated } from '../invariants.ts';
import { createReceiptRates } from '../receiptRates.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

const MOST_FACTOR = 3;
const SHIPPED_USD = 0.0125;
const priceOf = (book: PriceBookFile): number => book.storage['STANDARD_IA']?.usdPerGbMonth ?? Number.NaN;
const bookOf = (json: string): PriceBookFile => parsePriceBook(JSON.parse(json));

/**
 * Prices change, lists are torn, tampered with and out of reach, and operators accept what was reported. Nothing beyond the bound is in
 * force that nobody accepted, a name means one book for good, and every receipt replays with the book that it names.
 */
export function prices(stage: Stage, rng: Rng): Capability {
  const { catalog, counters, published, scheduler } = stage;
  const life = scheduler.incarnation('prices');
  const [readInForce, readBook, readAction] = [
    rowReader(PricesInForceRow),
    rowReader(PriceBookRow),
    rowReader(ActionRow),
  ];
  const accepted = new Set<string>();
  const ratesOf = createReceiptRates(catalog);
  let days = 0;

  function change(): void {
    published.become(rng.pick(['whole', 'whole', 'whole', 'torn', 'unreachable']));
    published.publish(rng.pick([SHIPPED_USD, SHIPPED_USD * (0.5 + rng.number()), SHIPPED_USD / 50, SHIPPED_USD * 40]));
  }

  /** What waits, or a book of the operator's own, first under tomorrow's date and then mostly under ever older ones. */
  async function accept(): Promise<void> {
    const deps = stage.depsOf(scheduler.incarnation('operator'));
    const reported = await ReportedPricesRow.get(deps.catalog, 'aws/eu-west-1');
    const kept = [...catalog.committedIn('PRICES#aws/eu-west-1')].filter(({ key }) => key.sort.startsWith('BOOK#'));
    const known = reported?.value.json ?? kept.map((item) => readBook(item).json)[0];
    if (known === undefined) return;
    const book = bookOf(known);
    book.asOf = new Date(scheduler.now + (1 - days) * DAY_MS).toISOString().slice(0, 10);
    if (rng.chance(0.6)) days += 1;
    accepted.add(JSON.stringify(book));
    await acceptPrices(deps, { book, by: 'operator', dryRun: false });
    counters.count('prices: accepted');
  }

  function onInForce({ before, after }: RowChange): void {
    if (after === undefined) violated('The prices in force were deleted.');
    const { json, id, asOf } = readInForce(after);
    const was = before === undefined ? SHIPPED_USD : priceOf(bookOf(readInForce(before).json));
    const is = priceOf(bookOf(json));
    const far = is > was * MOST_FACTOR || was > is * MOST_FACTOR;
    if (far && !accepted.has(json))
      violated(`${id}@${asOf} is in force at ${is} instead of ${was}, and nobody accepted that.`);
    counters.count(is === was ? 'prices: confirmed' : 'prices: changed');
  }

  function onBook({ before, after }: RowChange): void {
    if (before === undefined) return;
    if (after === undefined || readBook(after).json !== readBook(before).json) {
      violated(`${readBook(before).id}@${readBook(before).asOf} does not mean what it meant.`);
    }
  }

  /** The dollars of a receipt are those that its inputs have with its prices. */
  async function onReceipt({ policy, inputs, alternatives }: Action): Promise<void> {
    const [version, named = ''] = policy.split(' ');
    if (version !== TIER_RULES.version) return;
    const again = replayTier(inputs, TIER_RULES, await ratesOf(policy));
    if (again === undefined) return;
    const months = again.alternatives.map(({ usdPerMonth }) => usdPerMonth);
    const told = alternatives.map(({ parts }) => parts?.['month']);
    if (JSON.stringify(months) !== JSON.stringify(told)) violated(`A receipt of ${named} does not replay.`);
    counters.count(named.startsWith('aws/us-east-1') ? 'prices: replayed, shipped' : 'prices: replayed, refreshed');
  }

  // What learned moves may lose, and what a policy would catch, is checked at the prices of the release: there prices stay.
  if (stage.settings.tierPolicy === 'dollars' || stage.changesPolicy) {
    published.become('unreachable');
    return {};
  }
  return {
    act(durationMs) {
      const end = scheduler.now + durationMs;
      scheduler.spawn(life, async () => {
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(Math.min(2 * MINUTE_MS, durationMs)));
          change();
          if (!rng.chance(0.3)) continue;
          await accept().catch((error: unknown) => {
            if (!(error instanceof StrataError)) throw error;
            counters.count(`prices: ${error.code}`);
          });
        }
        published.become('whole');
      });
    },
    async onRow(row) {
      const { partition, sort } = row.key;
      if (partition.startsWith('PRICES#')) {
        if (sort === 'INFORCE') onInForce(row);
        if (sort.startsWith('BOOK#')) onBook(row);
      }
      if (partition.startsWith('ACTION#') && row.before === undefined && row.after !== undefined) {
        await onReceipt(readAction(row.after));
      }
    },
    async check() {
      for (const item of catalog.committed('PRICES#')) {
        if (item.key.sort !== 'INFORCE') continue;
        const { id, asOf, json } = readInForce(item);
        const kept = await PriceBookRow.get(catalog, id, asOf);
        if (kept?.value.json !== json) violated(`${id}@${asOf} is in force and not kept.`);
      }
    },
  };
}
