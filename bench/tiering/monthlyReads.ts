import { SeededRandom } from '../../lib/caching/structures/seededRandom.ts';
import type { ReplayObject } from '../../lib/placement/index.ts';
import { DAY_MS } from '../../lib/shared/units.ts';

/** Downloads of published models by month: a header `model,2022-02-18,…` and a row per model, blank where it was not published. */
export interface MonthlyReads {
  /** Days since 1970 on which each month begins, and one more for the end of the last. */
  readonly days: readonly number[];
  readonly models: readonly { readonly name: string; readonly reads: readonly (number | undefined)[] }[];
}

export function parseMonthlyReads(lines: readonly string[]): MonthlyReads {
  const [header = '', ...rows] = lines;
  const starts = header
    .split(',')
    .slice(1)
    .map((date) => Math.round(Date.parse(date) / DAY_MS));
  const last = starts.at(-1) ?? 0;
  return {
    days: [...starts, last + 30],
    models: rows.map((row) => {
      const [name = '', ...cells] = row.split(',');
      return { name, reads: cells.map((cell) => (cell === '' ? undefined : Number(cell))) };
    }),
  };
}

/**
 * Spreads monthly reads over days: `reads ÷ scale` of a month arrive at random (Poisson, the same rate on every day of that month, drawn
 * from the seed). A model is stored from its first month to the end of the data, also where its rows end earlier: nobody told
 * the store.
 */
export function spreadOverDays(data: MonthlyReads, scale: number, bytes: number, seed: number): ReplayObject[] {
  const random = new SeededRandom(seed);
  const [firstDay = 0] = data.days;
  const endDay = data.days.at(-1) ?? 0;
  return data.models.flatMap(({ reads }) => {
    const firstMonth = reads.findIndex((count) => count !== undefined);
    if (firstMonth < 0) return [];
    const steps: number[] = [];
    const counts: number[] = [];
    for (let month = firstMonth; month < reads.length; month += 1) {
      const from = data.days[month] ?? 0;
      const until = data.days[month + 1] ?? from;
      const perDay = (reads[month] ?? 0) / scale / (until - from);
      for (let day = from; day < until; day += 1) {
        const count = poisson(perDay, random);
        if (count === 0) continue;
        steps.push(day - firstDay);
        counts.push(count);
      }
    }
    const startStep = (data.days[firstMonth] ?? 0) - firstDay;
    return [{ bytes, history: { startStep, endStep: endDay - firstDay, steps, counts, deleted: false } }];
  });
}

/** Knuth's product of uniforms in pieces that do not underflow. */
function poisson(mean: number, random: SeededRandom): number {
  let left = mean;
  let product = 1;
  let count = -1;
  do {
    count += 1;
    product *= random.fraction();
    while (product < 1 && left > 0) {
      const piece = Math.min(left, 500);
      product *= Math.exp(piece);
      left -= piece;
    }
  } while (product > 1);
  return count;
}
