import type { AuditSeal } from '../../events/audit-seal/v1.ts';
import type { Broken } from './broken.ts';
import { entryHash, NOTHING_BEFORE } from './hashes.ts';
import type { StoredSeal } from './sealObjects.ts';

/** The newest sealed entry of an object. */
export interface SealedTail {
  readonly number: number;
  readonly hash: string;
}

/** What is known after the seals up to one. */
export interface SealsSoFar {
  /** Of the seal before the next one; `number` is 0 before the first. */
  readonly last: { readonly number: number; readonly hash: string };
  readonly tails: Map<string, SealedTail>;
  /** Whether the seals before were looked at as well, so that every object's first entry must be its first. */
  readonly whole: boolean;
}

/** Before the first seal, or, to trust what came before, after any other one. */
export function beforeSeals(trusted?: { readonly number: number; readonly hash: string }): SealsSoFar {
  return { last: trusted ?? { number: 0, hash: NOTHING_BEFORE }, tails: new Map(), whole: trusted === undefined };
}

/** Takes in the next seal; answers what is wrong with it, or how things stand after it. */
export function checkSeal(
  soFar: SealsSoFar,
  stored: StoredSeal,
): { readonly broken: Broken } | { readonly soFar: SealsSoFar; readonly seal: AuditSeal } {
  const number = soFar.last.number + 1;
  const broken = (what: Broken['what']) => ({ broken: { what, number } });
  const { seal } = stored;
  if (stored.number !== number) return broken('missing');
  if (seal === undefined) return broken('altered');
  if (seal.number !== number) return broken('reordered');
  // The hash was taken over the one before, which its own bytes alone cannot show to be altered.
  if (seal.previous !== soFar.last.hash) return { broken: { what: 'altered', number: Math.max(1, number - 1) } };
  for (const entry of seal.entries) {
    const tail = soFar.tails.get(entry.object);
    const first = tail === undefined;
    const expected = first ? { number: soFar.whole ? 0 : entry.number - 1, hash: NOTHING_BEFORE } : tail;
    if (entry.number !== expected.number + 1) {
      const what = entry.number <= expected.number ? 'reordered' : 'missing';
      return { broken: { what, object: entry.object, number: expected.number + 1 } };
    }
    if ((!first || entry.number === 1) && entry.previous !== expected.hash) {
      return { broken: { what: 'altered', object: entry.object, number: Math.max(1, entry.number - 1) } };
    }
    soFar.tails.set(entry.object, { number: entry.number, hash: entryHash(entry) });
  }
  if (stored.covered) return broken('covered');
  return { soFar: { ...soFar, last: { number, hash: stored.hash } }, seal };
}
