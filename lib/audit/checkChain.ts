import type { AuditEntry } from '../../events/audit-seal/v1.ts';
import type { Broken } from './broken.ts';
import { entryHash, NOTHING_BEFORE } from './hashes.ts';

/** An entry as it lies in the catalog: under a number, whatever it says of itself. */
export interface StoredEntry {
  readonly number: number;
  /** Absent where the row is none. */
  readonly entry: AuditEntry | undefined;
}

export interface ChainFacts {
  readonly object: string;
  /** By number. */
  readonly stored: readonly StoredEntry[];
  /** Hashes of entries as the seals hold them, by number; the more there are, the better the first wrong one is named. */
  readonly sealed: ReadonlyMap<number, string>;
  /** Numbers of entries that wait for their seal. */
  readonly unsealed: ReadonlySet<number>;
  /** Whether the first seal was looked at as well: otherwise what came before the entries that are known counts as sealed. */
  readonly whole: boolean;
}

/** The first place at which an object's chain in the catalog is not what its seals and its own hashes say. */
export function checkChain({ object, stored, sealed, unsealed, whole }: ChainFacts): Broken | undefined {
  const broken = (what: Broken['what'], number: number): Broken => ({ what, object, number });
  const trusted = whole || sealed.size > 0 || unsealed.size === 0 ? 0 : Math.min(...unsealed) - 1;
  const newestSealed = Math.max(trusted, ...sealed.keys());
  const length = Math.max(newestSealed, ...unsealed, stored.length);
  let previous = NOTHING_BEFORE;
  for (let number = 1; number <= length; number += 1) {
    const row = stored[number - 1];
    if (row === undefined) return broken('truncated', number);
    if (row.number !== number) return broken(row.number > number ? 'missing' : 'inserted', number);
    const { entry } = row;
    if (entry === undefined) return broken('altered', number);
    if (entry.object !== object || entry.number !== number) return broken('reordered', number);
    const hash = entryHash(entry);
    const known = sealed.get(number);
    if (known !== undefined && known !== hash) return broken('altered', number);
    if (entry.previous !== previous) {
      // What is sealed is right; of two that are not, the hash was taken over the one before.
      return sealed.has(number - 1) && known === undefined
        ? broken('inserted', number)
        : broken('altered', Math.max(1, number - 1));
    }
    if (number > newestSealed && !unsealed.has(number)) return broken('inserted', number);
    previous = hash;
  }
  return undefined;
}
