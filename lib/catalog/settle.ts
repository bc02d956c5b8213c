import { StrataError } from '../shared/errors.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';

/** `contended`: work that lost its conditional write again and again. The others: what is asked for is not there, or not to be had. */
export class CatalogError extends StrataError<
  'contended' | 'unknown-model' | 'unknown-version' | 'unknown-alias' | 'invalid-reference' | 'no-previous'
> {}

/** What one reading of the facts led to: the writes that make it so (none where nothing is to be done) and the answer. */
export interface Decided<T> {
  readonly changes: readonly Change[];
  readonly answer: T;
}

const TRIES = 10;

/**
 * Reads, decides and writes, and begins anew when another writer was faster. `decide` must read every fact that its changes name
 * the version of. Since a `transact` may have committed although it answers `conflict`, `decide` must recognise its own earlier
 * write. Throws `CatalogError` `contended` (retryable) after 10 lost races.
 */
export async function settle<T>(store: CatalogStore, what: string, decide: () => Promise<Decided<T>>): Promise<T> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { changes, answer } = await decide();
    if (changes.length === 0) return answer;
    const written = await store.transact(changes);
    if (written.outcome === 'committed') return answer;
  }
  throw new CatalogError({
    code: 'contended',
    message: `${what} lost ${TRIES} races for its rows; the message comes again.`,
    retryable: true,
  });
}
