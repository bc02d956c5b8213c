/** What may leave, in columns; `value` is what is lost with it. */
export interface Candidates {
  readonly bytes: readonly number[];
  readonly value: readonly number[];
}

export interface Room {
  /** Positions of the candidates that leave. */
  readonly leaving: readonly number[];
  /** Value lost, less what the bytes are worth that are freed beyond the need. */
  readonly price: number;
}

/** A surplus byte is worth this share of the least value per byte among the candidates: it will be used, but not at once. */
const SURPLUS_WORTH = 0.7;
/** The need is divided into so many units; what frees less than one counts only in the greedy choice. */
const UNITS = 32;

/**
 * The cheapest set found that frees so many bytes, or undefined if all together do not: a covering knapsack. Two ways compete: by
 * rising value per byte, less what turns out not to be needed, which is near the best where the need is large beside the objects;
 * and exactly, with sizes rounded down to units of the need, where single objects fill it.
 * @param candidates by rising value per byte
 */
export function cheapestRoom(candidates: Candidates, bytesToFree: number): Room | undefined {
  const byte = (SURPLUS_WORTH * (candidates.value[0] ?? 0)) / (candidates.bytes[0] ?? 1);
  const roomOf = (leaving: readonly number[]): Room => {
    const freed = sum(leaving, candidates.bytes);
    return { leaving, price: sum(leaving, candidates.value) - byte * (freed - bytesToFree) };
  };
  const greedy = byDensity(candidates, bytesToFree);
  if (greedy === undefined) return undefined;
  const first = roomOf(greedy);
  const exact = byUnits(candidates, bytesToFree, byte);
  if (exact === undefined) return first;
  const second = roomOf(exact);
  return second.price < first.price ? second : first;
}

function byDensity({ bytes }: Candidates, bytesToFree: number): number[] | undefined {
  const chosen: number[] = [];
  let freed = 0;
  for (let position = 0; position < bytes.length && freed < bytesToFree; position += 1) {
    chosen.push(position);
    freed += bytes[position] ?? 0;
  }
  if (freed < bytesToFree) return undefined;
  return chosen.toReversed().filter((position) => {
    const spared = freed - (bytes[position] ?? 0) >= bytesToFree;
    if (spared) freed -= bytes[position] ?? 0;
    return !spared;
  });
}

/** Dynamic programme over units: the least value, less the worth of the bytes, that frees at least each number of units. */
function byUnits({ bytes, value }: Candidates, bytesToFree: number, byte: number): number[] | undefined {
  const cost = new Float64Array(UNITS + 1).fill(Number.POSITIVE_INFINITY);
  cost[0] = 0;
  const from = new Int8Array(bytes.length * (UNITS + 1)).fill(-1);
  for (let position = 0; position < bytes.length; position += 1) {
    const size = bytes[position] ?? 0;
    const units = Math.min(UNITS, Math.floor((size * UNITS) / bytesToFree));
    if (units === 0) continue;
    const own = (value[position] ?? 0) - byte * size;
    for (let covered = UNITS; covered > 0; covered -= 1) {
      const before = Math.max(0, covered - units);
      const total = (cost[before] ?? 0) + own;
      if (total >= (cost[covered] ?? 0)) continue;
      cost[covered] = total;
      from[position * (UNITS + 1) + covered] = before;
    }
  }
  if (cost[UNITS] === Number.POSITIVE_INFINITY) return undefined;
  const chosen: number[] = [];
  let covered = UNITS;
  for (let position = bytes.length - 1; position >= 0 && covered > 0; position -= 1) {
    const before = from[position * (UNITS + 1) + covered] ?? -1;
    if (before < 0) continue;
    chosen.push(position);
    covered = before;
  }
  return chosen;
}

function sum(positions: readonly number[], column: readonly number[]): number {
  return positions.reduce((total, position) => total + (column[position] ?? 0), 0);
}
