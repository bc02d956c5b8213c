import type { Versioned } from '../../lib/catalog/index.ts';
import type { Item, ItemKey } from '../../lib/shared/ports/catalogStore.ts';

/** A broken promise of the system. Ends the run; the seed repeats it. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

export function violated(what: string): never {
  throw new InvariantViolation(what);
}

/** Counts what a run reached: state edges, reasons, fault kinds. */
export class Counters {
  readonly counts = new Map<string, number>();
  /** The first broken invariant that was met inside a call: its caller may swallow what is thrown, the run may not. */
  violation: InvariantViolation | undefined;

  async watch<T>(look: () => Promise<T> | T): Promise<T> {
    try {
      return await look();
    } catch (error) {
      if (error instanceof InvariantViolation) this.violation ??= error;
      throw error;
    }
  }

  count(name: string, times = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + times);
  }
}

/** Counts each edge from one state to another; one that is not `allowed` breaks a promise. */
export function edgeWatch(counters: Counters, what: string, allowed: readonly string[]) {
  const edges = new Set(allowed);
  return (from: string, to: string, key: ItemKey): void => {
    if (from === to) return;
    const name = `${from}→${to}`;
    counters.count(`${what}: ${name}`);
    if (!edges.has(name)) violated(`${key.partition} / ${key.sort} went ${name}, which no rule allows.`);
  };
}

/** Reads an item as a row of one type; each item is parsed once, however often it is looked at. */
export function rowReader<T>(type: { parse(item: Item): Versioned<T> }): (item: Item) => T {
  const known = new WeakMap<Item, T>();
  return (item) => {
    const before = known.get(item);
    if (before !== undefined) return before;
    const { value } = type.parse(item);
    known.set(item, value);
    return value;
  };
}
