import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A one-place edit of shipped code that breaks one rule of docs/simulation.md. */
export interface Mutant {
  readonly id: string;
  /** What the edit breaks, as a sentence. */
  readonly breaks: string;
  /** Path from the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export class MutationError extends Error {
  override readonly name = 'MutationError';
}

export function mutate(mutant: Mutant, source: string): string {
  const places = source.split(mutant.find).length - 1;
  if (places !== 1) {
    throw new MutationError(
      `Mutant ${mutant.id}: its text stands ${places} times in ${mutant.file}, not once. Mend test/simulation/mutants.ts.`,
    );
  }
  return source.replace(mutant.find, () => mutant.replace);
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The edited text of `url` when it is the mutant's file. */
export function mutatedSource(mutant: Mutant, url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  const path = fileURLToPath(url);
  return path === root + mutant.file ? mutate(mutant, readFileSync(path, 'utf8')) : undefined;
}
